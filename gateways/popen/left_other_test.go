//go:build unix && !linux

package popen

import (
	"testing"

	"golang.org/x/sys/unix"
)

func checkGone(t *testing.T, what string, pid int) {
	t.Helper()
	if err := unix.Kill(pid, 0); err != unix.ESRCH {
		t.Errorf("%s (%d) is still there: %v", what, pid, err)
	}
}
