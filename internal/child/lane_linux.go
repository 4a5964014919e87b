package child

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is what pipes are enlarged to, in bytes. It doubles what goes through
// them. Four times more is a third faster still, but the pipes of a user without
// privilege may hold 64 MiB together (pipe(7), pipe-user-pages-soft): some
// thirty gateways would use that up, and all pipes made later, of any program,
// would hold a page or two.
const pipeSize = 256 << 10

// socketSize is what a socket is asked to hold, in bytes. It gets what the
// system allows, which is some 200 KiB (socket(7), wmem_max).
const socketSize = 1 << 20

// newPipe returns a pipe that holds more than others, so that each side is woken
// less often. It may remain as it was.
func newPipe(end) (r, w *os.File, err error) {
	if r, w, err = os.Pipe(); err != nil {
		return nil, nil, err
	}
	if conn, err := w.SyscallConn(); err == nil {
		conn.Control(func(fd uintptr) { unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
	}
	return r, w, nil
}

// newSocketPipe returns two sockets that are used as a pipe, of which one end is
// ours: the child's blocks, as most programs expect. They carry about twice as
// much, for both sides copy at the same time, where a pipe lets one of them. A
// short item takes 2 us longer each way.
func newSocketPipe(ours end) (r, w *os.File, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil { // a filter of system calls may forbid it
		return newPipe(ours)
	}
	unix.SetsockoptInt(ends[writing], unix.SOL_SOCKET, unix.SO_SNDBUF, socketSize) // a hint
	if err := unix.SetNonblock(ends[ours], true); err != nil {
		unix.Close(ends[reading])
		unix.Close(ends[writing])
		return nil, nil, err
	}
	return os.NewFile(uintptr(ends[reading]), "socket"), os.NewFile(uintptr(ends[writing]), "socket"), nil
}
