//go:build unix

package server

import (
	"os/exec"
	"syscall"
)

// setUser makes a process another user's, with all the groups of that.
func setUser(cmd *exec.Cmd, owner *account) {
	groups := make([]uint32, len(owner.groups))
	for i, gid := range owner.groups {
		groups[i] = uint32(gid)
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(owner.uid), Gid: uint32(owner.gid), Groups: groups}
}
