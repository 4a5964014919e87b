//go:build !unix

package std

import "io/fs"

// ownerOf knows no owners on this system.
func ownerOf(fs.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }

// identityOf knows no inodes on this system.
func identityOf(fs.FileInfo) (device, inode, links uint64, ok bool) { return 0, 0, 0, false }

// wakeOpen has nothing to do: opening a pipe does not wait on this system.
func wakeOpen(string) {}

// syncDir has nothing to do: this system cannot sync a directory.
func syncDir(string) error { return nil }
