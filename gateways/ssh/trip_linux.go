package ssh

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tripOf is how long a packet takes there and back on a connection that was just
// made, which took as long as is given: as the kernel has measured it, for this
// process may have waited for a processor besides.
func tripOf(conn net.Conn, took time.Duration) time.Duration {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return took
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return took
	}
	raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil && info.Rtt > 0 {
			took = min(took, time.Duration(info.Rtt)*time.Microsecond)
		}
	})
	return took
}
