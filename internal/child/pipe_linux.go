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

// enlarge makes a pipe hold more, so that each side is woken less often. A
// failure leaves it as it is.
func enlarge(f *os.File) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	conn.Control(func(fd uintptr) { unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
}
