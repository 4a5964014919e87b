//go:build unix

package child

import "syscall"

// attributes makes a process lead a session or a process group.
func attributes(session bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: session, Setpgid: !session}
}
