// Package gateways reaches the far sides of gateways over all transports there
// are. [Dial] is what a [luagw.Group] takes as its Dial.
//
// It puts together what others do: packages popen, ssh, tcp and unix reach a
// process or a host, package become makes another user of whoever that is, and
// package bootstrap starts an agent there, which it sends where there is none.
// All of it goes through another gateway where the spec has via.
package gateways

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/agents"
	"github.com/luagw/luagw/gateways/become"
	"github.com/luagw/luagw/gateways/bootstrap"
	"github.com/luagw/luagw/gateways/popen"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/tcp"
	"github.com/luagw/luagw/gateways/unix"
)

// Dialer dials specs of all kinds. The zero value is usable. Its fields must
// not be changed after the first Dial; Dial may be called concurrently. It
// remembers keys and passphrases, so one is best used for all gateways.
type Dialer struct {
	// Popen starts the processes of popen and exec gateways.
	Popen popen.Dialer

	// SSH reaches hosts behind ssh, and luagw servers. One of the Dialer's
	// own, which asks nobody for passphrases and passwords, if nil.
	SSH *ssh.Dialer

	// Unix reaches Unix sockets.
	Unix unix.Dialer

	// Agents gives the agents that are sent. agents.Default() if nil.
	Agents agents.Source

	// Become becomes other users, where a spec says so.
	Become become.Become

	ownSSH ssh.Dialer
}

var _ luagw.DialFunc = Dial

// standard is Dial's. What it remembers is to be the same for all who call that.
var standard Dialer

// Dial is [Dialer.Dial] of a zero Dialer, always the same.
func Dial(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
	return standard.Dial(ctx, spec)
}

// Dial starts or reaches the far side that spec tells of and returns the
// connection to it. ctx bounds the call and not the connection. Errors are
// [*luagw.OpenError], or [*luagw.SpecError] for a command line that cannot be
// read. Those of the far side that come later are Read's: it returns an
// OpenError until the agent's hello has come.
//
// An agent is sent to where there is none for ssh, and for an exec whose command
// line ends where a program is still missing: see [bootstrap.Missing].
//
// A spec that goes through a gateway reaches what it tells of by that gateway's
// Dial; only a [luagw.Group] knows which that is, so a spec with Via that comes
// from none is refused, before anything is started.
func (d *Dialer) Dial(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
	if spec.Via != "" && spec.Through() == nil {
		return nil, refuse(spec, "via %q is the name of a gateway in a group, and this is none's", spec.Via)
	}
	conn, err := d.dial(ctx, spec)
	if open, ok := errors.AsType[*luagw.OpenError](err); ok {
		open.Spec = spec.String() // it may be of a part of the way
	}
	return conn, err
}

func (d *Dialer) dial(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
	if become.Wanted(spec) {
		return d.dialAs(ctx, spec)
	}
	switch spec.Kind {
	case "popen":
		return d.Popen.Dial(ctx, spec)
	case "exec":
		return d.dialExec(ctx, spec)
	case "ssh":
		return d.dialSSH(ctx, spec)
	case "tcp":
		return (&tcp.Dialer{SSH: d.ssh()}).Dial(ctx, spec)
	case "unix":
		return d.Unix.Dial(ctx, spec)
	}
	return nil, refuse(spec, "transport %q is not known", spec.Kind)
}

func (d *Dialer) ssh() *ssh.Dialer {
	if d.SSH == nil {
		return &d.ownSSH
	}
	return d.SSH
}

func (d *Dialer) bootstrap() *bootstrap.Bootstrap { return &bootstrap.Bootstrap{Agents: d.Agents} }

// dialAs has another user run the agent, who may have it sent for that.
func (d *Dialer) dialAs(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
	line, err := d.bootstrap().Command(spec)
	if err != nil {
		return nil, err
	}
	conn, err := d.Become.Start(ctx, spec, line, func(ctx context.Context, line string, opts become.Options) (io.ReadWriteCloser, error) {
		return d.run(ctx, spec, line, opts)
	})
	if err != nil {
		return nil, err
	}
	return d.bootstrap().Start(ctx, spec, conn)
}

// run runs a command line for a shell where spec reaches.
func (d *Dialer) run(ctx context.Context, spec *luagw.Spec, line string, opts become.Options) (io.ReadWriteCloser, error) {
	if spec.Kind == "ssh" {
		return d.login(ctx, spec, line, ssh.RunOptions{Stderr: opts.Stderr, PTY: opts.PTY})
	}
	if opts.PTY {
		return nil, become.ErrNoTerminal
	}
	words := []string{"sh", "-c", line}
	if spec.Kind == "exec" {
		var completed bool
		var err error
		words, completed, err = bootstrap.Complete(spec, line)
		if err != nil {
			return nil, err
		}
		if !completed {
			return nil, refuse(spec, "become has nothing to wrap: the command line of exec is an agent already; end it where a program is missing, or write the other user into it")
		}
	}
	conn, err := d.start(ctx, spec, words)
	if err != nil {
		return nil, err
	}
	conn.(interface{ WatchStderr(io.Writer) }).WatchStderr(opts.Stderr)
	return conn, nil
}

// dialExec runs a command, which is an agent or brings one about.
func (d *Dialer) dialExec(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
	words, bootstraps, err := d.bootstrap().Exec(spec)
	if err != nil {
		return nil, err
	}
	conn, err := d.start(ctx, spec, words)
	if err != nil || !bootstraps {
		return conn, err
	}
	return d.bootstrap().Start(ctx, spec, conn)
}

func (d *Dialer) dialSSH(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
	line, err := d.bootstrap().Command(spec)
	if err != nil {
		return nil, err
	}
	conn, err := d.login(ctx, spec, line, aheadOf(spec))
	if err != nil {
		return nil, err
	}
	return d.bootstrap().Start(ctx, spec, conn)
}

// aheadOf has what is written first go ahead in the variable that the bootstrap
// knows; a program that spec names knows none.
func aheadOf(spec *luagw.Spec) ssh.RunOptions {
	if spec.Agent != "" {
		return ssh.RunOptions{}
	}
	return ssh.RunOptions{Ahead: bootstrap.AheadVar}
}

// start starts a process, here or where spec goes through.
func (d *Dialer) start(ctx context.Context, spec *luagw.Spec, words []string) (io.ReadWriteCloser, error) {
	command := spec.Clone()
	command.Kind, command.Target, command.Agent = "exec", commandLine(words), ""
	return d.Popen.Dial(ctx, command)
}

// login logs in to a host and runs a command there.
func (d *Dialer) login(ctx context.Context, spec *luagw.Spec, line string, opts ssh.RunOptions) (io.ReadWriteCloser, error) {
	client, err := d.ssh().Connect(ctx, spec)
	if err != nil {
		return nil, err
	}
	conn, err := client.Run(ctx, line, opts)
	if err != nil {
		client.Close()
		return nil, err
	}
	return conn, nil
}

// refuse is the error of what was not even tried.
func refuse(spec *luagw.Spec, format string, args ...any) error {
	return &luagw.OpenError{
		Spec: spec.String(), Stage: luagw.StageDial,
		Err: fmt.Errorf(format, args...), ExitCode: -1,
	}
}
