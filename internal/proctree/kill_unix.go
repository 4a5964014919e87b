//go:build unix && !linux

package proctree

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Adopt does nothing on this system.
func Adopt() error { return nil }

// Reap does nothing on this system, where nothing is adopted.
func Reap(owned func(pid int) bool) error { return nil }

// ReapGroup does nothing on this system.
func ReapGroup(pgid int) {}

// KillDescendants does nothing on this system. Whoever started this process
// ends its group.
func KillDescendants(ctx context.Context, keep, owned func(pid int) bool) error { return nil }

// KillSession kills the process group of the session's leader until none of it
// is left or ctx ends. The caller's own is refused.
func KillSession(ctx context.Context, sid int) error { return KillGroup(ctx, sid) }

// KillGroup kills the process group pgid until none of it is left or ctx ends.
// The caller's own group is refused.
func KillGroup(ctx context.Context, pgid int) error {
	if err := checkID("process group", pgid, unix.Getpgrp()); err != nil {
		return err
	}
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		err := unix.Kill(-pgid, unix.SIGKILL)
		// Darwin says EPERM of a group of which only zombies are left.
		if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EPERM) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("kill process group %d: %w", pgid, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("kill process group %d: still there: %w", pgid, context.Cause(ctx))
		}
	}
}

// KillCookie does nothing on this system.
func KillCookie(ctx context.Context, cookie string) error { return nil }
