// Package controlmaster uses the connections that OpenSSH's client keeps open for
// others, which are those of ControlMaster: to run a command over one, or to
// connect to somewhere from the host behind it, takes neither a login nor a
// program.
//
// It speaks the protocol of their sockets, of which the source is the file
// PROTOCOL.mux of OpenSSH, in version 4, as it is since OpenSSH 5.4.
package controlmaster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/luagw/luagw/internal/peer"
)

// ErrNone says that no master is at a path: there is no socket, or nobody listens.
var ErrNone = errors.New("no ControlMaster is there")

// Conn is a connection to a master. It is good for one session or one
// forwarding, which ends with it. The methods may be called concurrently, but for
// two requests.
type Conn struct {
	conn *net.UnixConn
	path string
}

// Dial connects to the master that listens at a path. Whoever listens there gets
// to see all that is sent: so it must be this user or root, as far as the system
// can tell. The error is ErrNone if there is none. ctx bounds the call and not the
// connection.
func Dial(ctx context.Context, path string) (*Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, ErrNone
	}
	c := &Conn{conn: raw.(*net.UnixConn), path: path}
	err = c.checkOwner()
	if err == nil {
		err = c.within(ctx, c.greet)
	}
	if err != nil {
		c.Close()
		return nil, c.fault(err)
	}
	return c, nil
}

// checkOwner refuses a socket that somebody else serves.
func (c *Conn) checkOwner() error {
	owner, err := peer.Of(c.conn)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err == nil && owner.UID != 0 && owner.UID != os.Getuid() {
		err = fmt.Errorf("it is of the user with the number %d", owner.UID)
	}
	return err
}

// within bounds what is written and read.
func (c *Conn) within(ctx context.Context, do func() error) error {
	stop := context.AfterFunc(ctx, func() { c.conn.SetDeadline(time.Unix(1, 0)) })
	err := do()
	if !stop() {
		return context.Cause(ctx)
	}
	return err
}

// Command is what a session runs.
type Command struct {
	Line      string   // for the user's shell, or the name of a subsystem
	Subsystem bool     // Line is one
	Env       []string // NAME=VALUE; the master sends those that its own SendEnv names

	// The command's, which the master gets a copy of.
	Stdin, Stdout, Stderr *os.File
}

// Run starts a session, and returns when the host has opened it. The error tells
// why there is none, in which case the connection is good for nothing more. ctx
// bounds the call.
func (c *Conn) Run(ctx context.Context, cmd *Command) error {
	var subsystem uint32
	if cmd.Subsystem {
		subsystem = 1
	}
	p := newPacket(newSession).number(requestID).text("") // reserved
	p.number(0).number(0).number(0).number(subsystem)     // no terminal, X11 or agent
	p.number(noEscape).text("").text(cmd.Line)
	for _, entry := range cmd.Env {
		p.text(entry)
	}
	return c.request(ctx, p, cmd.Stdin, cmd.Stdout, cmd.Stderr)
}

// Forward connects in and out to an address that the host reaches.
func (c *Conn) Forward(ctx context.Context, host string, port int, in, out *os.File) error {
	p := newPacket(newForward).number(requestID).text("").text(host).number(uint32(port))
	return c.request(ctx, p, in, out)
}

// request asks for something with files, and waits for the answer.
func (c *Conn) request(ctx context.Context, p *packet, files ...*os.File) error {
	err := c.within(ctx, func() error {
		if err := c.write(p); err != nil {
			return err
		}
		for _, file := range files {
			if err := c.pass(file); err != nil {
				return err
			}
		}
		return c.answer()
	})
	return c.fault(err)
}

// answer reads what became of a request.
func (c *Conn) answer() error {
	p, err := c.read()
	if err != nil {
		return err
	}
	kind, _ := p.takeNumber()
	p.takeNumber() // the request's
	switch kind {
	case sessionOpened:
		return nil
	case permissionDenied, failure:
		reason, _ := p.takeText()
		return fmt.Errorf("it refuses: %q", reason)
	}
	return fmt.Errorf("it answers a request with a message of type %#x", kind)
}

// Wait waits for the end of a session, and returns the command's exit status. The
// error tells that the master is gone, or has lost the host.
func (c *Conn) Wait() (code int, err error) {
	for {
		p, err := c.read()
		if err != nil {
			return -1, c.fault(err)
		}
		if kind, _ := p.takeNumber(); kind != exitMessage {
			continue
		}
		p.takeNumber() // the session's
		status, ok := p.takeNumber()
		if !ok {
			return -1, c.fault(errShort)
		}
		return int(int32(status)), nil
	}
}

// Path is where the master listens.
func (c *Conn) Path() string { return c.path }

// Close ends the session, if there is one.
func (c *Conn) Close() error { return c.conn.Close() }

// fault names the master.
func (c *Conn) fault(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the ControlMaster at %s: %w", c.path, err)
}
