package luagw

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/luagw/luagw/internal/allow"
	"github.com/luagw/luagw/internal/child"
	"github.com/luagw/luagw/internal/socket"
)

// hereGrace is how long a process that DialHere has started may take to end
// after its connection. It is less than an agent takes to end, see stopTimeout.
const hereGrace = time.Second

var _ DialFunc = DialHere

// DialHere is the Dial of the agents that luagw ships. It reaches bare things,
// from where it is called: for popen another copy of this very program, or
// spec's Agent; for exec the process; for tcp and unix a connection to the
// address and nothing on top of it. Names are resolved here. What makes a gateway
// of a bare connection (keys, passwords, the upload of an agent) stays with the
// near side, see [Gateway.Dial].
//
// Errors are [*OpenError] without Spec.
func DialHere(ctx context.Context, spec *Spec) (io.ReadWriteCloser, error) {
	switch spec.Kind {
	case "popen", "exec":
		return startHere(spec)
	case "tcp":
		return connectHere(ctx, spec)
	case "unix":
		return connectSocket(ctx, spec)
	}
	return nil, hereError(StageDial, fmt.Errorf("an agent does not reach %s", spec.Kind))
}

func hereError(stage Stage, err error) error { return &OpenError{Stage: stage, Err: err, ExitCode: -1} }

func connectSocket(ctx context.Context, spec *Spec) (io.ReadWriteCloser, error) {
	if err := allow.Here().Check(allow.Dial, ""); err != nil {
		return nil, hereError(StageDial, err)
	}
	conn, err := socket.DialUnix(ctx, spec.Target)
	if err != nil {
		return nil, hereError(StageDial, err)
	}
	return conn, nil
}

// connectHere connects to a host, and does not ask what is there.
func connectHere(ctx context.Context, spec *Spec) (io.ReadWriteCloser, error) {
	port := DefaultPort
	if text, ok := spec.Params["port"]; ok {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return nil, hereError(StageResolve, fmt.Errorf("port %q is no port", text))
		}
		port = int(n)
	}
	if err := allow.Here().Check(allow.Dial, ""); err != nil {
		return nil, hereError(StageDial, err)
	}
	addrs, err := socket.Lookup(ctx, spec.Target)
	if err != nil {
		return nil, hereError(StageResolve, err)
	}
	conn, err := socket.DialTCP(ctx, addrs, port)
	if err != nil {
		return nil, hereError(StageDial, fmt.Errorf("connect to %s: %w", net.JoinHostPort(spec.Target, strconv.Itoa(port)), err))
	}
	return conn, nil
}

func startHere(spec *Spec) (io.ReadWriteCloser, error) {
	command, err := commandHere(spec)
	if err != nil {
		return nil, hereError(StageResolve, err)
	}
	process, err := child.Start(command)
	if err != nil {
		return nil, hereError(StageSpawn, err)
	}
	return &hereProcess{process}, nil
}

func commandHere(spec *Spec) (*child.Command, error) {
	line := spec.Agent
	if spec.Kind == "exec" {
		line = spec.Target
	}
	words, err := commandWords(line)
	if err != nil && line != "" {
		return nil, fmt.Errorf("%q: %w", line, err)
	}
	if len(words) > 0 {
		command := &child.Command{Args: words, Session: true, Grace: hereGrace}
		command.Path, err = child.Lookup(words[0])
		if err == nil {
			err = allow.Here().CheckPath(allow.Exec, command.Path, false)
		}
		return command, err
	}
	command, err := child.Copy()
	command.Grace = hereGrace
	return command, err
}

// hereProcess is a process that DialHere has started.
type hereProcess struct{ *child.Process }

var _ Exiter = (*hereProcess)(nil)

// Exit implements [Exiter].
func (p *hereProcess) Exit(ctx context.Context) Exit { return Exit(p.Process.Exit(ctx)) }
