package busy

import (
	"syscall"
	"time"
)

const possible = true

// read reads what comes within d from a descriptor that does not block.
func read(fd int, p []byte, d time.Duration) int {
	var start time.Time
	for {
		n, err := syscall.Read(fd, p)
		switch {
		case n > 0:
			return n
		case err != syscall.EAGAIN:
			return 0
		case start.IsZero():
			start = time.Now()
		case time.Since(start) > d:
			return 0
		}
		syscall.Syscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
	}
}

// write writes p to a descriptor that does not block, as long as some of it is
// taken every d.
func write(fd int, p []byte, d time.Duration) (taken int) {
	var since time.Time
	for {
		n, err := syscall.Write(fd, p[taken:])
		taken += max(n, 0)
		switch {
		case taken == len(p):
			return taken
		case n > 0:
			since = time.Time{}
		case err != syscall.EAGAIN:
			return taken
		case since.IsZero():
			since = time.Now()
		}
		if d == 0 || !since.IsZero() && time.Since(since) > d {
			return taken
		}
		syscall.Syscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
	}
}
