//go:build !linux

package std

import "os/exec"

// spawn starts cmd. There is no parent-death signal to set on this system.
func spawn(cmd *exec.Cmd, _ bool) error { return cmd.Start() }
