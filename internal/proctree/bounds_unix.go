//go:build unix

package proctree

import (
	"fmt"
	"time"
)

// The pauses between two looks at what is left: a process is gone soon after
// SIGKILL, unless it waits for a device.
const (
	minPause = time.Millisecond
	maxPause = 50 * time.Millisecond
)

// checkID refuses what kill(2) takes for more than one group, init's group,
// and own, the caller's.
func checkID(what string, id, own int) error {
	if id <= 1 || id == own {
		return fmt.Errorf("kill %s %d: not one that may be killed from here", what, id)
	}
	return nil
}
