package ssh

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"time"

	"github.com/luagw/luagw/gateways/ssh/controlmaster"
)

// way is a jump host by which others are reached.
type way interface {
	dial(ctx context.Context, to *host) (net.Conn, error)
	name() string // for sentences
	close() error
}

var (
	_ way = (*link)(nil)
	_ way = (*masterWay)(nil)
)

func (l *link) dial(ctx context.Context, to *host) (net.Conn, error) {
	return l.client.DialContext(ctx, "tcp", to.address())
}

func (l *link) name() string { return l.host.name }

// masterWay is a jump host to which a master stands. It keeps nothing.
type masterWay struct {
	host *host
	path string
}

// masterWay is the way by a host's master; nil if there is none.
func (d *Dialer) masterWay(ctx context.Context, h *host) way {
	m := d.master(ctx, h, nil)
	if m == nil {
		return nil
	}
	m.conn.Close()
	return &masterWay{host: h, path: m.conn.Path()}
}

func (w *masterWay) dial(ctx context.Context, to *host) (net.Conn, error) {
	conn, err := controlmaster.Dial(ctx, w.path)
	if err != nil {
		return nil, err
	}
	theirIn, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	in, theirOut, err := os.Pipe()
	if err == nil {
		err = conn.Forward(ctx, to.addr, to.port, theirIn, theirOut)
	}
	theirIn.Close()
	theirOut.Close()
	f := &forwarded{in: in, out: out, conn: conn, addr: w.host}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (w *masterWay) name() string { return w.host.name }

func (w *masterWay) close() error { return nil }

// forwarded is a connection that a master makes.
type forwarded struct {
	in, out *os.File
	conn    *controlmaster.Conn // it ends with this
	addr    *host
}

func (f *forwarded) Read(p []byte) (int, error) {
	n, err := f.in.Read(p)
	return n, netError(err)
}

func (f *forwarded) Write(p []byte) (int, error) {
	n, err := f.out.Write(p)
	return n, netError(err)
}

// netError is package net's error for what was closed on this side.
func netError(err error) error {
	if errors.Is(err, fs.ErrClosed) {
		return net.ErrClosed
	}
	return err
}

func (f *forwarded) Close() error {
	f.in.Close()
	f.out.Close()
	return f.conn.Close()
}

func (f *forwarded) SetDeadline(t time.Time) error {
	return errors.Join(f.in.SetReadDeadline(t), f.out.SetWriteDeadline(t))
}

func (f *forwarded) SetReadDeadline(t time.Time) error  { return f.in.SetReadDeadline(t) }
func (f *forwarded) SetWriteDeadline(t time.Time) error { return f.out.SetWriteDeadline(t) }

func (f *forwarded) LocalAddr() net.Addr  { return proxyAddr(f.addr.name) }
func (f *forwarded) RemoteAddr() net.Addr { return proxyAddr(f.addr.name) }
