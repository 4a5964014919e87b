//go:build !linux

package ssh

import (
	"net"
	"time"
)

// tripOf is how long a packet takes there and back on a connection that was just
// made: what that took, for who does not ask the kernel.
func tripOf(_ net.Conn, took time.Duration) time.Duration { return took }
