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
	master  *master  // nil where none stands; what follows is used if it gives no session
	program *program // nil without ssh_program
	link    *link    // nil with ssh_program, and as long as there is a master

	connect func(ctx context.Context) (*link, error) // makes link
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

	// Ahead is the name of an environment variable. If it is set, Run does not
	// wait for the session either: what is written until the host has opened it
	// is kept, up to 64 KiB, and more waits. It then goes to the command's
	// standard input, all of it, and up to 16 KiB of it also into this variable,
	// in base64 of the alphabet for URLs and without padding, so that a command
	// which knows of it need not wait for its input: that comes a round trip
	// later. The host's server may not take the variable. A session that is
	// refused is an error of Read.
	//
	// Without effect with ssh_program, and over a ControlMaster.
	Ahead string
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
	if conn := c.overMaster(ctx, request, what, opts); conn != nil {
		return conn, nil
	}
	if c.program != nil {
		return c.program.start(request, what, opts)
	}
	if c.link == nil {
		var err error
		if c.link, err = c.connect(ctx); err != nil {
			return nil, openError(c.spec, err)
		}
	}
	s := newSession(c.link, c.spec, opts.Stderr)
	if opts.Ahead != "" {
		s.openAhead(request, what, opts)
		return s, nil
	}
	if _, err := s.open(ctx, request, what, opts); err != nil {
		c.Close()
		return nil, openError(c.spec, err)
	}
	return s, nil
}

// overMaster runs something over the master, if there is one; nil where that cannot
// be. It has no terminal to give that passes all bytes.
func (c *Client) overMaster(ctx context.Context, request, what string, opts RunOptions) io.ReadWriteCloser {
	m := c.master
	c.master = nil
	if m == nil {
		return nil
	}
	if opts.PTY {
		m.conn.Close()
		return nil
	}
	if s := m.start(ctx, request, what, opts); s != nil {
		return s
	}
	return nil
}

// Close closes the client and what was started with it. It may be called any
// number of times.
func (c *Client) Close() error {
	switch {
	case c.master != nil:
		return c.master.conn.Close()
	case c.link != nil:
		return c.link.close()
	}
	return nil
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
