// Package unix reaches luagw servers, and agents that listen, at Unix sockets.
// There is no encryption, for nothing leaves the host, and no key: the kernel
// tells the server who connects, and this side who serves.
package unix

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/peer"
)

// DefaultTimeout bounds connecting where the spec has no timeout.
const DefaultTimeout = 10 * time.Second

// Dialer connects to Unix sockets. The zero value is usable. Its fields must not
// be changed after the first Dial; Dial may be called concurrently.
type Dialer struct {
	// NetDial makes the connection. A net.Dialer does if nil. Who is at the
	// other end is asked only of a *net.UnixConn.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Dial connects to the socket at the path of a spec of kind unix. Whoever
// listens there gets to see the fragments and what they send: so it must be
// this user, root, or whom the spec's key user names. Where the system cannot
// tell (it is not Linux, macOS or FreeBSD), nobody is refused.
//
// Through a gateway, its agent connects, and who serves is not asked.
//
// ctx bounds the call and not the connection. Errors are [*luagw.OpenError] with
// StageDial or StageAuth, or [*luagw.SpecError].
func (d *Dialer) Dial(ctx context.Context, spec *luagw.Spec) (net.Conn, error) {
	if spec.Agent != "" {
		return nil, &luagw.SpecError{Spec: spec.String(), Key: "agent", Reason: "a luagw server chooses its agent itself"}
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
	dial := d.NetDial
	if via := spec.Through(); via != nil {
		dial = via.DialContext
	}
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "unix", spec.Target)
	if err != nil {
		return nil, openError(spec, luagw.StageDial, dialError(spec.Target, err))
	}
	if err := checkServer(conn, spec.Params["user"]); err != nil {
		conn.Close()
		return nil, openError(spec, luagw.StageAuth, err)
	}
	return conn, nil
}

func openError(spec *luagw.Spec, stage luagw.Stage, err error) error {
	return &luagw.OpenError{Spec: spec.String(), Stage: stage, Err: err, ExitCode: -1}
}

// dialError leaves of package net's words what the user does not know yet.
func dialError(path string, err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		err = call.Err
	}
	return fmt.Errorf("connect to the socket %q: %w", path, err)
}

// checkServer refuses a socket that somebody else serves.
func checkServer(conn net.Conn, name string) error {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return nil
	}
	who, err := peer.Of(socket)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	if name == "" && (who.UID == os.Geteuid() || who.UID == 0) {
		return nil
	}
	served := nameOf(who.UID)
	if name == "" {
		return fmt.Errorf("the socket is served by user %q, who is neither you nor root; if that is meant, add //user=%s", served, served)
	}
	if name != served && name != strconv.Itoa(who.UID) {
		return fmt.Errorf("the socket is served by user %q, not by %q", served, name)
	}
	return nil
}

// nameOf is a user's name, or number.
func nameOf(uid int) string {
	number := strconv.Itoa(uid)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}
