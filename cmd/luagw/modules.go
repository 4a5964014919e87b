package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// pathVar lists folders where require finds modules, besides the script's own.
const pathVar = "LUAGW_PATH"

// moduleFolders is a file system with the files of several folders. The first
// that has a file wins.
type moduleFolders []fs.FS

// modulesOf are the modules for a script in folder: from there, and then from
// the folders in $LUAGW_PATH.
func modulesOf(folder string) moduleFolders {
	folders := moduleFolders{os.DirFS(folder)}
	for _, dir := range filepath.SplitList(os.Getenv(pathVar)) {
		if dir != "" {
			folders = append(folders, os.DirFS(dir))
		}
	}
	return folders
}

// Open opens a file of the first folder that has it.
func (m moduleFolders) Open(name string) (fs.File, error) {
	for _, folder := range m {
		f, err := folder.Open(name)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
