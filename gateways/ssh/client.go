package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw"
)

// Client is a host on which the user is logged in. One command or subsystem is
// run with it, and closing that closes the client. A client with which nothing
// is run is to be closed by Close.
type Client struct {
	spec    *luagw.Spec
	link    *link    // nil with ssh_program
	program *program // nil without
}

// RunOptions say how a command is run.
type RunOptions struct {
	// Stderr gets what the command writes to its standard error, as it comes,
	// on another goroutine. The end of it is kept besides. A Write that blocks
	// holds up the command. Nil for nobody.
	Stderr io.Writer

	// PTY runs the command on a terminal of its own, which passes all bytes as
	// they are and echoes none. Its standard error comes with its output then.
	PTY bool
}

// Run starts a command, by the login shell of the user on the host, and returns
// its standard input and output. ctx bounds the call and not the command. The
// answer of the host is not waited for: what is written at once goes out at
// once, and a refusal is an error of Read.
//
// The connection implements [luagw.Exiter] and has CloseWrite. Close says that
// there is no more input, gives the command two seconds to end, and closes the
// client with everything of it, which takes another second for each host on the
// way at the most. All methods may be called concurrently, but for two Reads or
// two Writes. The error is an [*luagw.OpenError] with StageSpawn. A Read that
// tells of a refusal or of a program that could not connect returns one, too.
func (c *Client) Run(ctx context.Context, command string, opts RunOptions) (io.ReadWriteCloser, error) {
	return c.start(ctx, "exec", command, opts)
}

// Subsystem starts a subsystem of the host's server instead of a command, as
// Run does.
func (c *Client) Subsystem(ctx context.Context, name string, opts RunOptions) (io.ReadWriteCloser, error) {
	return c.start(ctx, "subsystem", name, opts)
}

func (c *Client) start(ctx context.Context, request, what string, opts RunOptions) (io.ReadWriteCloser, error) {
	if c.program != nil {
		return c.program.start(request, what, opts)
	}
	s, err := c.link.start(ctx, request, what, opts)
	if err != nil {
		c.Close()
		return nil, openError(c.spec, err)
	}
	s.spec = c.spec
	return s, nil
}

// Close closes the client and what was started with it. It may be called any
// number of times.
func (c *Client) Close() error {
	if c.link == nil {
		return nil
	}
	return c.link.close()
}

// start opens the session and asks for what is to be run.
func (l *link) start(ctx context.Context, request, what string, opts RunOptions) (*session, error) {
	clock, stop := startClock(ctx, l.host.each, luagw.StageSpawn, func() { l.wire.Close() })
	defer stop()
	channel, requests, err := l.client.OpenChannel("session", nil)
	if err != nil {
		return nil, l.spawnError(clock, "does not open a session", err)
	}
	s := newSession(l, channel, requests, opts.Stderr)
	if opts.PTY {
		ok, err := channel.SendRequest("pty-req", true, rawTerminal())
		if err != nil || !ok {
			return nil, l.spawnError(clock, "gives no terminal", err)
		}
	}
	for _, name := range l.host.environment() {
		channel.SendRequest("env", false, gossh.Marshal(name)) // a server may refuse, and that does not matter
	}
	if err := s.ask(request, what); err != nil {
		return nil, l.spawnError(clock, "does not run the command", err)
	}
	if _, cut := clock.at(); cut != nil {
		return nil, l.spawnError(clock, "does not run the command", cut)
	}
	return s, nil
}

// spawnError tells why no command runs.
func (l *link) spawnError(clock *clock, what string, err error) error {
	if _, cut := clock.at(); cut != nil {
		return fault(luagw.StageSpawn, fmt.Errorf("%s %s: %w", l.host, what, cut))
	}
	if refused, ok := errors.AsType[*gossh.OpenChannelError](err); ok {
		reason := first(printable(refused.Message), refused.Reason.String())
		return fault(luagw.StageSpawn, fmt.Errorf("%s %s: %s; it may allow no more of them (MaxSessions)%w", l.host, what, reason, hidden{err}))
	}
	if err == nil {
		err = errors.New("it says no")
	}
	if broken := l.wire.broken(); isCut(broken) || isCut(err) {
		err = fmt.Errorf("it has closed the connection%w", hidden{err})
	}
	return fault(luagw.StageSpawn, fmt.Errorf("%s %s: %w", l.host, what, err))
}
