// Package tcp reaches luagw servers, which speak SSH on a TCP socket: what
// package ssh does about keys, known hosts and jump hosts is done for them, too.
// It reaches agents that listen on the loopback interface as well, for which the
// spec has a token.
package tcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
)

// Subsystem is the SSH subsystem by which a server offers its agents.
const Subsystem = "luagw"

// DefaultTimeout bounds connecting to an agent that listens, where the spec has
// no timeout.
const DefaultTimeout = 10 * time.Second

// Dialer connects to servers. The zero value is usable. Its fields must not be
// changed after the first Dial; Dial may be called concurrently.
type Dialer struct {
	// SSH connects and logs in, and makes connections for tokens too if it
	// has a NetDial. A zero one if nil.
	SSH *ssh.Dialer
}

// Dial reaches the server of a spec of kind tcp and returns a connection to the
// agent that it starts, whose hello is still to be read. It implements
// [luagw.Exiter] where SSH was spoken.
//
// ctx bounds the call and not the connection. Errors are [*luagw.OpenError], as
// [ssh.Dialer.Connect] has them, or [*luagw.SpecError].
func (d *Dialer) Dial(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
	if spec.Agent != "" {
		return nil, &luagw.SpecError{Spec: spec.String(), Key: "agent", Reason: "a luagw server chooses its agent itself"}
	}
	dialer := d.SSH
	if dialer == nil {
		dialer = &ssh.Dialer{}
	}
	if spec.Params["token"] != "" {
		return dialToken(ctx, spec, netDial(spec, dialer))
	}
	client, err := dialer.Connect(ctx, spec)
	if err != nil {
		return nil, err
	}
	return client.Subsystem(ctx, Subsystem, ssh.RunOptions{})
}

// netDial is what makes connections: the gateway that spec goes through, or else
// dialer's.
func netDial(spec *luagw.Spec, dialer *ssh.Dialer) func(context.Context, string, string) (net.Conn, error) {
	if via := spec.Through(); via != nil {
		return via.DialContext
	}
	return dialer.NetDial
}

// dialToken connects to an agent that listens, and shows the token. Nothing is
// encrypted, so it must not leave the host: this one, or the one that NetDial
// connects from.
func dialToken(ctx context.Context, spec *luagw.Spec, dial func(context.Context, string, string) (net.Conn, error)) (net.Conn, error) {
	if !isLoopback(spec.Target) {
		return nil, &luagw.SpecError{
			Spec: spec.String(), Key: "token",
			Reason: fmt.Sprintf("it would go to %q without encryption; tokens are for loopback addresses", spec.Target),
		}
	}
	timeout, err := spec.Duration("timeout")
	if err != nil {
		return nil, err
	}
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	port, err := spec.Int("port")
	if err != nil {
		return nil, err
	}
	if port == 0 {
		port = luagw.DefaultPort
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(spec.Target, strconv.Itoa(port)))
	if err != nil {
		return nil, openError(spec, fmt.Errorf("connect to port %d of %s: %w", port, spec.Target, reason(err)))
	}
	if _, err := io.WriteString(conn, spec.Params["token"]+"\n"); err != nil {
		conn.Close()
		return nil, openError(spec, fmt.Errorf("show the token: %w", err))
	}
	return conn, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// reason leaves of package net's words what the user does not know yet.
func reason(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		err = call.Err
	}
	return err
}

func openError(spec *luagw.Spec, err error) error {
	return &luagw.OpenError{Spec: spec.String(), Stage: luagw.StageDial, Err: err, ExitCode: -1}
}
