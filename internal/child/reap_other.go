//go:build !linux

package child

// reap waits for the process to end and kills what it left in its group.
func (c *Process) reap() error {
	c.cmd.Wait() // ProcessState has the status
	return c.sweep()
}
