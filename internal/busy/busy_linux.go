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
