//go:build !unix

package proctree

import "context"

// Adopt does nothing on this system.
func Adopt() error { return nil }

// Reap does nothing on this system.
func Reap(owned func(pid int) bool) error { return nil }

// ReapGroup does nothing on this system.
func ReapGroup(pgid int) {}

// KillDescendants does nothing on this system.
func KillDescendants(ctx context.Context, keep, owned func(pid int) bool) error { return nil }

// KillSession does nothing on this system.
func KillSession(ctx context.Context, sid int) error { return nil }

// KillGroup does nothing on this system.
func KillGroup(ctx context.Context, pgid int) error { return nil }

// KillCookie does nothing on this system.
func KillCookie(ctx context.Context, cookie string) error { return nil }
