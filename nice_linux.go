package luagw

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// renice adds n to this process's niceness. On Linux it belongs to each thread,
// and new threads take it from the one that starts them.
func renice(n int) error {
	raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		return fmt.Errorf("nice: %w", err)
	}
	value := 20 - raw + n // the system call returns 20 minus the niceness
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("nice: %w", err)
	}
	for _, thread := range threads {
		id, _ := strconv.Atoi(thread.Name())
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, value); err != nil && err != syscall.ESRCH {
			return fmt.Errorf("nice %d: %w", n, err)
		}
	}
	return nil
}
