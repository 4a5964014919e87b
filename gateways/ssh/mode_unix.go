//go:build unix

package ssh

import (
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
