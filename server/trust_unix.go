//go:build unix

package server

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkTrusted says who else could change a file, or read it.
func checkTrusted(path string, info fs.FileInfo, forbidden fs.FileMode) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d, neither to root nor to this user: it is not trusted", path, stat.Uid)
	}
	if info.Mode().Perm()&forbidden != 0 {
		return fmt.Errorf("%s has mode %04o: it is not trusted unless others are kept out (chmod %s)", path, info.Mode().Perm(), chmodFor(forbidden))
	}
	return nil
}

func chmodFor(forbidden fs.FileMode) string {
	if forbidden == privateMode {
		return "go-rwx"
	}
	return "go-w"
}
