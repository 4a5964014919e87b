//go:build unix

package std

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Trees are removed by descriptors of their directories, so that nobody who puts
// a symbolic link in the place of one can lead this elsewhere. An os.Root would
// do the same, and make an agent a hundredth larger.

func removePath(ctx context.Context, path string, recursive bool) error {
	if !recursive {
		return os.Remove(path)
	}
	parent, err := openDir(unix.AT_FDCWD, filepath.Dir(path), 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: filepath.Dir(path), Err: err}
	}
	defer unix.Close(parent)
	return removeTree(ctx, parent, filepath.Base(path), path)
}

// removeTree removes name in the directory parent and all below it, never
// through a symbolic link, until ctx ends. path is its name for errors.
func removeTree(ctx context.Context, parent int, name, path string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	dir, err := isDirAt(parent, name)
	flags := 0
	if err == nil && dir {
		if err := emptyDir(ctx, parent, name, path); err != nil {
			return err
		}
		flags = unix.AT_REMOVEDIR
	}
	if err == nil {
		err = uninterrupted(func() error { return unix.Unlinkat(parent, name, flags) })
	}
	if ignoreAbsent(err) != nil {
		return &fs.PathError{Op: "remove", Path: path, Err: err}
	}
	return nil
}

func isDirAt(parent int, name string) (bool, error) {
	var st unix.Stat_t
	err := uninterrupted(func() error { return unix.Fstatat(parent, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	return st.Mode&unix.S_IFMT == unix.S_IFDIR, err
}

func emptyDir(ctx context.Context, parent int, name, path string) error {
	fd, err := openDir(parent, name, unix.O_NOFOLLOW)
	if err != nil {
		return &fs.PathError{Op: "remove", Path: path, Err: err}
	}
	dir := os.NewFile(uintptr(fd), path)
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := removeTree(ctx, fd, name, filepath.Join(path, name)); err != nil {
			return err
		}
	}
	return nil
}

func openDir(parent int, name string, flags int) (fd int, err error) {
	err = uninterrupted(func() error {
		fd, err = unix.Openat(parent, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|flags, 0)
		return err
	})
	return fd, err
}

// uninterrupted calls a system call again when a signal has got in its way.
func uninterrupted(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
