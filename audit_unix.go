//go:build unix

package luagw

import "syscall"

func closeOnExec(fd uintptr) { syscall.CloseOnExec(int(fd)) }
