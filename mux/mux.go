// Package mux carries many streams over one connection.
//
// It speaks the protocol of hashicorp/yamux, as its spec tells it
// (https://github.com/hashicorp/yamux/blob/master/spec.md), and works with that
// library at the other end; the tests show it. It is written anew because a
// small item's way through the library takes four changes of goroutine, and the
// threads which these wake are most of the time of a round trip. Besides:
//
//   - A [Session] tells why it ended: [Session.Err] is the connection's own
//     error, and a read which ends because the session died returns that
//     error, never io.EOF.
//   - A half-closed stream lives as long as both sides want.
//   - Opening a stream honours a context; deadlines, timeouts and resets are
//     the standard library's errors or one of this package's.
//   - The header and the body of a frame, and the small frames that open,
//     acknowledge and close streams, leave in one write.
//   - [Writer] gathers small items into large writes without making anybody
//     wait for it.
//   - Whoever waits in [Session.Wait] reads the connection himself while nobody
//     else does, and stays awake for a moment where the connection allows.
//   - [Stdio] makes a connection of a process's standard input and output
//     whose Close works, and moves descriptors 0 and 1 out of harm's way.
//
// # Ownership
//
// Closing a [Session] closes its connection and ends every stream. A
// [Stream]'s Read belongs to one goroutine at a time, or a [Receiver] takes what
// arrives on the session's own; its Write belongs to one at a time too. All other
// methods may be called concurrently.
package mux

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Defaults of [Config].
const (
	DefaultWindow    = 512 << 10
	DefaultKeepAlive = 10 * time.Second
	DefaultTimeout   = 20 * time.Second

	// MinWindow is the window that a stream starts with, fixed by yamux.
	MinWindow = 256 << 10

	// backlog is how many streams may wait to be accepted. It is the same
	// on both sides, as yamux assumes.
	backlog = 256
)

// Errors which a stream or session returns besides those of its connection.
var (
	// ErrClosed: this side closed the session or the stream.
	ErrClosed = fmt.Errorf("mux: %w", net.ErrClosed)

	// ErrReset: the peer reset the stream.
	ErrReset = errors.New("mux: stream reset by peer")

	// ErrProtocol: the peer sent what is no frame, or not allowed.
	ErrProtocol = errors.New("mux: protocol error")

	// ErrStalled: the connection took no bytes, or a ping got no answer,
	// within Config.Timeout.
	ErrStalled = errors.New("connection stalled: no answer from the peer")
)

// Config are the settings of a [Session]. The zero value is usable. The two
// ends need not agree on any of them.
type Config struct {
	// Window is how many bytes a peer may send on a stream ahead of its
	// reader. A stream carries at most Window bytes per round trip. Never less
	// than MinWindow, nor more than 1 GiB. If zero it is DefaultWindow, and
	// grows up to TunedWindow where the round trip is long and the reader
	// keeps up.
	Window int

	// KeepAlive is the time between pings. DefaultKeepAlive if zero; no
	// pings if negative.
	KeepAlive time.Duration

	// Timeout is how long a frame may wait for the connection to take it, or
	// a ping remain without answer while nothing else comes from the peer
	// either, before the session ends with ErrStalled. A dead peer is noticed
	// within KeepAlive+Timeout. DefaultTimeout if zero.
	Timeout time.Duration

	// Present is closed when the peer is known to be there, and these times
	// count from then on: before, somebody else bounds the wait for it. They
	// count at once if nil.
	Present <-chan struct{}
}

// Client starts a session on conn for the side that dialled it.
func Client(conn io.ReadWriteCloser, cfg *Config) (*Session, error) {
	return newSession(conn, cfg, 1)
}

// Server starts a session on conn for the side that was dialled.
func Server(conn io.ReadWriteCloser, cfg *Config) (*Session, error) {
	return newSession(conn, cfg, 2)
}

// maxWindow keeps sums of windows within 32 bits.
const maxWindow = 1 << 30

// timing returns c's times with their defaults; no pings if keepAlive is 0.
func (c *Config) timing() (keepAlive, timeout time.Duration) {
	keepAlive, timeout = DefaultKeepAlive, DefaultTimeout
	if c == nil {
		return keepAlive, timeout
	}
	if c.KeepAlive != 0 {
		keepAlive = max(c.KeepAlive, 0)
	}
	if c.Timeout > 0 {
		timeout = c.Timeout
	}
	return keepAlive, timeout
}

// Silence is how long nothing at all may come from a peer that has these
// settings before it can be taken for dead; 0 if it may be silent for ever.
func (c *Config) Silence() time.Duration {
	keepAlive, timeout := c.timing()
	if keepAlive == 0 {
		return 0
	}
	return keepAlive + timeout
}

// windows returns what a stream's window is at first, and what it may become.
func (c *Config) windows() (first, most uint32) {
	if c == nil || c.Window == 0 {
		return DefaultWindow, TunedWindow
	}
	fixed := uint32(min(max(c.Window, MinWindow), maxWindow))
	return fixed, fixed
}
