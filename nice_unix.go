//go:build unix && !linux

package luagw

import (
	"fmt"
	"syscall"
)

// renice adds n to this process's niceness.
func renice(n int) error {
	now, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		return fmt.Errorf("nice: %w", err)
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, now+n); err != nil {
		return fmt.Errorf("nice %d: %w", n, err)
	}
	return nil
}
