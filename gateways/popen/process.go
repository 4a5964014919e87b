package popen

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/child"
)

var _ luagw.Exiter = (*process)(nil)

// process is a started process as a gateway's connection.
type process struct{ *child.Process }

// start starts p.
func (p *program) start(grace time.Duration) (*process, error) {
	c, err := child.Start(&child.Command{
		Path: p.path, Args: p.args, Env: p.env, Grace: grace,
		Session: p.session,
		Sockets: p.session, // it is an agent, which does not mind; a command of kind exec might
	})
	if err != nil {
		return nil, err
	}
	return &process{c}, nil
}

// Read reads from the process's standard output.
func (p *process) Read(b []byte) (int, error) {
	n, err := p.Process.Read(b)
	return n, closed(err)
}

// Write writes to the process's standard input.
func (p *process) Write(b []byte) (int, error) {
	n, err := p.Process.Write(b)
	return n, closed(err)
}

func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return luagw.ErrClosed
	}
	return err
}

// Exit implements [luagw.Exiter].
func (p *process) Exit(ctx context.Context) luagw.Exit { return luagw.Exit(p.Process.Exit(ctx)) }
