//go:build unix

package controlmaster

import (
	"os"
	"syscall"
)

// pass hands the master a copy of a file, with one byte, as it wants each.
func (c *Conn) pass(file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var passErr error
	err = raw.Control(func(fd uintptr) {
		_, _, passErr = c.conn.WriteMsgUnix([]byte{0}, syscall.UnixRights(int(fd)), nil)
	})
	if err == nil {
		err = passErr
	}
	return err
}
