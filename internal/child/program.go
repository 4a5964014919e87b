package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// explain says of which program a start failed, and of what is missing when
// the program is there.
func explain(path string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	if errors.Is(err, fs.ErrNotExist) && IsProgram(path) {
		return fmt.Errorf("start %q: its interpreter, or the system's loader for it, is missing: %w", path, err)
	}
	return fmt.Errorf("start %q: %w", path, err)
}

// IsProgram says whether path can be executed. It is not looked for elsewhere.
func IsProgram(path string) bool {
	if !filepath.IsAbs(path) {
		path = "." + string(filepath.Separator) + path
	}
	_, err := exec.LookPath(path)
	return err == nil
}

// Lookup finds a program by its path, or by its name on the PATH.
func Lookup(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	if ee, ok := errors.AsType[*exec.Error](err); ok {
		err = ee.Err
	}
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		err = pe.Err
	}
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("program %q is not on the PATH %q", name, os.Getenv("PATH"))
	}
	return "", fmt.Errorf("program %q: %w", name, err)
}
