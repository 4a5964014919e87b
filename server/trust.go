package server

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Modes of files that are trusted: the bits that must not be set.
const (
	sharedMode  fs.FileMode = 0o022 // others must not write it
	privateMode fs.FileMode = 0o077 // others must not read it either
)

// readTrusted reads a file that decides who may come in, as sshd's StrictModes
// has it: nobody but this process's user and root may be able to change it, or
// the folders that lead there.
func readTrusted(path string, most int64, forbidden fs.FileMode) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	if err := checkTrusted(path, info, forbidden); err != nil {
		return nil, err
	}
	if err := checkFolders(path); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return data, nil
}

// checkFolders checks the folders in which a file really lies.
func checkFolders(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return err
	}
	for folder := filepath.Dir(real); ; folder = filepath.Dir(folder) {
		info, err := os.Stat(folder)
		if err != nil {
			return err
		}
		// In a folder with the sticky bit, such as /tmp, others cannot
		// replace what is not theirs.
		if info.Mode()&fs.ModeSticky == 0 {
			if err := checkTrusted(folder, info, sharedMode); err != nil {
				return err
			}
		}
		if folder == filepath.Dir(folder) {
			return nil
		}
	}
}
