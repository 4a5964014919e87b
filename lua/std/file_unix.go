//go:build unix

package std

import (
	"io/fs"
	"os"
	"syscall"
)

// ownerOf returns who owns a file.
func ownerOf(info fs.FileInfo) (uid, gid int, ok bool) {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(sys.Uid), int(sys.Gid), true
}

// identityOf returns what tells a file from all others, and its names' count.
func identityOf(info fs.FileInfo) (device, inode, links uint64, ok bool) {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, 0, false
	}
	return uint64(sys.Dev), uint64(sys.Ino), uint64(sys.Nlink), true
}

// wakeOpen ends an open of the named pipe at path which waits for a writer: it
// is one, for a moment.
func wakeOpen(path string) {
	if f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0); err == nil {
		_ = f.Close()
	}
}

// syncDir makes the names in a directory last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
