package child

import (
	"errors"

	"golang.org/x/sys/unix"
)

// reap waits for the process to end, kills what it left in its session or
// group, and only then takes leave of it: until then the kernel gives its
// number, by which they are known, to nobody else.
func (c *Process) reap() error {
	for {
		err := unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break // an error of another kind is Wait's to tell
		}
	}
	left := c.sweep()
	c.cmd.Wait() // ProcessState has the status
	return left
}
