//go:build luagw_agent

package child

import "os/exec"

func keepOut(*exec.Cmd) {}
