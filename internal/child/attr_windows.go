package child

import "syscall"

// attributes keeps Ctrl-C at the console from a process with session.
func attributes(session bool) *syscall.SysProcAttr {
	if !session {
		return nil
	}
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
