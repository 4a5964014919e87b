//go:build !linux

package popen

// reap waits for the process to end and kills what it left in its group.
func (c *child) reap() error {
	c.cmd.Wait() // ProcessState has the status
	return c.sweep()
}
