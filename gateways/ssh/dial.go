package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw"
)

// dial makes the connection below SSH.
func (d *Dialer) dial(ctx context.Context, h *host, below way, until time.Time) (net.Conn, error) {
	ctx, cancel := context.WithDeadlineCause(ctx, until, fmt.Errorf("%w for %v", errSilent, h.each))
	defer cancel()
	var conn net.Conn
	var err error
	via := through(ctx)
	switch {
	case below != nil:
		conn, err = below.dial(ctx, h)
	case h.command != "":
		return startProxy(h.command)
	case via != nil:
		conn, err = via.DialContext(ctx, h.network, h.address())
	case d.NetDial != nil:
		conn, err = d.NetDial(ctx, h.network, h.address())
	default:
		conn, err = h.netDial(ctx)
	}
	if err != nil {
		return nil, h.dialError(ctx, err, below)
	}
	return conn, nil
}

// directConn is a connection from here, to the server itself.
type directConn struct {
	net.Conn
	trip time.Duration // there and back: how long the server took to answer
}

// netDial connects from here. The connection has TCP_NODELAY, as all of
// package net's.
func (h *host) netDial(ctx context.Context) (net.Conn, error) {
	var began atomic.Pointer[time.Time] // the last try, of which there is one for each address
	dialer := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Minute},
		Control: func(string, string, syscall.RawConn) error {
			now := time.Now()
			began.Store(&now)
			return nil
		},
	}
	if h.bind != "" {
		addr, err := net.ResolveTCPAddr(h.network, net.JoinHostPort(h.bind, "0"))
		if err != nil {
			return nil, fmt.Errorf("BindAddress: %w", err)
		}
		dialer.LocalAddr = addr
	}
	conn, err := dialer.DialContext(ctx, h.network, h.address())
	if err != nil {
		return nil, err
	}
	return &directConn{conn, tripOf(conn, time.Since(*began.Load()))}, nil
}

// dialError tells at which stage and why no connection came about.
func (h *host) dialError(ctx context.Context, err error, below way) error {
	stage := luagw.StageDial
	cause := err
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		stage = luagw.StageResolve
		name := strconv.Quote(dns.Name)
		if dns.Name != h.name {
			name += " of " + h.name
		}
		return &stageError{stage: stage, err: fmt.Errorf("the name %s does not resolve: %s%w", name, dns.Err, hidden{err})}
	}
	if refused, ok := errors.AsType[*gossh.OpenChannelError](err); ok {
		cause = fmt.Errorf("%s%w", unforwarded(refused), hidden{err})
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		cause = h.unsyscall(op)
	}
	// A connection that takes too long may say so before its context does.
	if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		cause = reason(ctx)
	}
	from := ""
	if below != nil {
		from = " from " + below.name()
	}
	return &stageError{stage: stage, err: fmt.Errorf("cannot connect to %s%s: %w", h, from, cause)}
}

// unforwarded is why a jump host did not connect. OpenSSH's words for what is
// forbidden are "open failed".
func unforwarded(refused *gossh.OpenChannelError) string {
	if refused.Reason == gossh.Prohibited {
		return "it does not allow that (AllowTcpForwarding, PermitOpen)"
	}
	return first(printable(refused.Message), refused.Reason.String())
}

// unsyscall leaves of an error the words for the user: with the address, if a
// name stood for it.
func (h *host) unsyscall(op *net.OpError) error {
	text := op.Err.Error()
	if _, reason, ok := strings.Cut(text, ": "); ok {
		text = reason
	}
	if op.Addr != nil && op.Addr.String() != h.address() {
		text = op.Addr.String() + ": " + text
	}
	return fmt.Errorf("%s%w", text, hidden{op})
}

// hidden is an error that is there to be found and not to be read.
type hidden struct{ err error }

func (hidden) Error() string   { return "" }
func (h hidden) Unwrap() error { return h.err }
