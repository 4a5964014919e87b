package ssh

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// acknowledge has the system tell the peer at once that what was read has come,
// where it would wait up to 40 ms for something to send along. Until it runs a
// command sshd sends nothing short before it is told so of what it sent last
// (Nagle's algorithm), and it sends several short things when one has logged in.
func acknowledge(conn net.Conn) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { // a hint
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
	})
}
