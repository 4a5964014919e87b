package std

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

func removePath(ctx context.Context, path string, recursive bool) error {
	if !recursive {
		return os.Remove(path)
	}
	parent, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer parent.Close()
	return removeTree(ctx, parent, filepath.Base(path), path)
}

// removeTree removes name in parent and all below it, never through a
// symbolic link, until ctx ends. path is its name for errors.
func removeTree(ctx context.Context, parent *os.Root, name, path string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	info, err := parent.Lstat(name)
	if err != nil {
		return ignoreAbsent(err)
	}
	if info.IsDir() {
		if err := emptyDir(ctx, parent, name, path); err != nil {
			return err
		}
	}
	if err := ignoreAbsent(parent.Remove(name)); err != nil {
		return &fs.PathError{Op: "remove", Path: path, Err: causeOf(err)}
	}
	return nil
}

func emptyDir(ctx context.Context, parent *os.Root, name, path string) error {
	dir, err := parent.OpenRoot(name)
	if err != nil {
		return &fs.PathError{Op: "remove", Path: path, Err: causeOf(err)}
	}
	defer dir.Close()
	entries, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		return &fs.PathError{Op: "remove", Path: path, Err: causeOf(err)}
	}
	for _, entry := range entries {
		if err := removeTree(ctx, dir, entry.Name(), filepath.Join(path, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// causeOf is err without the path that a directory's own view gives it.
func causeOf(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
