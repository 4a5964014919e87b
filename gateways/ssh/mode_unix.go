//go:build unix

package ssh

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// isOpenToOthers says whether others may use a file of this user's. Those of
// another user are that one's to care for.
func isOpenToOthers(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o077 != 0
}

// checkOwner refuses a file that others than the user and root can change. The
// group of the user's own is trusted: on many systems nobody else is in it, and
// files are open to it.
func checkOwner(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	mode := info.Mode().Perm()
	switch {
	case !ok:
		return nil
	case stat.Uid != 0 && int(stat.Uid) != os.Getuid():
		return fmt.Errorf("it belongs to the user with the number %d", stat.Uid)
	case mode&0o002 != 0, mode&0o020 != 0 && int(stat.Gid) != os.Getgid():
		return fmt.Errorf("its mode %#o lets others change it", mode)
	}
	return nil
}
