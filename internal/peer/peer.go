// Package peer tells who is at the other end of a Unix socket.
package peer

import (
	"fmt"
	"syscall"
)

// Peer is the process that was at the other end when the connection, or the
// listener that accepted it, was made.
type Peer struct {
	UID, GID int
	PID      int // 0 where the system does not tell
}

// Of asks the kernel who is at the other end of a Unix socket's connection. The error says
// where the system cannot tell.
func Of(conn syscall.Conn) (Peer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("find out who is at the other end: %w", err)
	}
	var p Peer
	var askErr error
	if err := raw.Control(func(fd uintptr) { p, askErr = ask(int(fd)) }); err != nil {
		askErr = err
	}
	if askErr != nil {
		return Peer{}, fmt.Errorf("find out who is at the other end: %w", askErr)
	}
	return p, nil
}
