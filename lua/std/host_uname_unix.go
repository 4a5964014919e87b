//go:build unix

package std

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// kernel is the release of the kernel, machine what it calls the processor.

func (host system) kernel() any {
	return unameField(func(u *unix.Utsname) []byte { return u.Release[:] })
}
func (host system) machine() any {
	return unameField(func(u *unix.Utsname) []byte { return u.Machine[:] })
}

func unameField(field func(*unix.Utsname) []byte) any {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil
	}
	text, _, _ := bytes.Cut(field(&u), []byte{0})
	return known(string(text))
}
