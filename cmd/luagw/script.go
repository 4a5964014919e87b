package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/luagw/luagw/lua"
)

// script is a source to run, here or elsewhere.
type script struct {
	name   string // in errors and tracebacks
	source string
	folder string // where require looks first
}

// readScript reads a file, or stdin for "-".
func readScript(path string, stdin io.Reader) (*script, error) {
	if path == "-" {
		source, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("read the standard input: %w", err)
		}
		return &script{name: "stdin", source: string(source), folder: "."}, nil
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return &script{name: path, source: string(source), folder: filepath.Dir(path)}, nil
}

// check finds what is no Lua before anything is started.
func (s *script) check() error {
	if err := lua.Check(s.name, s.source); err != nil {
		return &exitError{exitFragment, err}
	}
	return nil
}

var _ fs.ReadFileFS = (*script)(nil)

// ReadFile makes the script a file system of one file, under the name by which
// the user knows it, which may be no name for other file systems.
func (s *script) ReadFile(string) ([]byte, error) { return []byte(s.source), nil }

// Open is there for the interface: a fragment is read whole.
func (s *script) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.ErrUnsupported}
}
