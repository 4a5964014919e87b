package std

import (
	"fmt"
	"io"

	glua "github.com/yuin/gopher-lua"
)

// IOLibrary is Lua 5.1's io. It differs from C's in this: a fragment has no
// standard input (io.stdin is at its end), what it writes to standard output
// and error goes home as print does, and f:close() of a command returns its
// exit status too: true, "exit", status.
//
// Files that the fragment leaves open are closed when it ends; its commands
// have a moment to end, and are killed then.
func IOLibrary() Library {
	return Library{Name: "io", Setup: setUpIO}
}

// ioState is the io library of one state.
type ioState struct {
	fragment *Fragment
	open     *openFiles
	input    *glua.LUserData // where io.read reads
	output   *glua.LUserData // where io.write writes
}

func setUpIO(L *glua.LState, module *glua.LTable) {
	s := &ioState{fragment: Of(L), open: &openFiles{files: map[*file]struct{}{}}}
	s.fragment.AtEnd(s.open.closeAll)
	s.input = fileValue(L, s.standard(true))
	s.output = fileValue(L, s.standard(false))
	module.RawSetString("stdin", s.input)
	module.RawSetString("stdout", s.output)
	module.RawSetString("stderr", fileValue(L, s.standard(false)))
	L.SetFuncs(module, map[string]glua.LGFunction{
		"close":   s.closeAny,
		"flush":   s.flush,
		"input":   s.setInput,
		"lines":   s.lines,
		"open":    s.openPath,
		"output":  s.setOutput,
		"popen":   s.popen,
		"read":    s.read,
		"tmpfile": s.tmpfile,
		"type":    ioType,
		"write":   s.write,
	})
}

// standardStream stands for the standard streams: it is empty, and what is
// written to it goes home.
type standardStream struct{ fragment *Fragment }

func (standardStream) Read([]byte) (int, error)      { return 0, io.EOF }
func (s standardStream) Write(p []byte) (int, error) { return s.fragment.Output().Write(p) }
func (standardStream) Close() error                  { return nil }

func (s *ioState) standard(input bool) *file {
	return &file{
		ctx:       s.fragment.Context(),
		raw:       standardStream{s.fragment},
		readable:  input,
		writable:  !input,
		standard:  true,
		buffering: bufferNone,
		size:      fileBuffer,
	}
}

// openPath is io.open(path [, mode]).
func (s *ioState) openPath(L *glua.LState) int {
	path, mode := L.CheckString(1), L.OptString(2, "r")
	flag, ok := openFlag(mode)
	if !ok {
		L.ArgError(2, fmt.Sprintf("invalid mode %q (must be r, w or a, then + to read and write)", mode))
	}
	f, err := openFile(s.fragment.Context(), path, flag)
	return s.pushOpened(L, path, f, err)
}

func (s *ioState) pushOpened(L *glua.LState, path string, f *file, err error) int {
	if err != nil {
		return failErrno(L, path, err)
	}
	L.Push(s.open.hold(L, f))
	return 1
}

func (s *ioState) tmpfile(L *glua.LState) int {
	f, err := openTemporary(s.fragment.Context())
	return s.pushOpened(L, "", f, err)
}

// popen is io.popen(line [, mode]).
func (s *ioState) popen(L *glua.LState) int {
	line, mode := L.CheckString(1), L.OptString(2, "r")
	if mode != "r" && mode != "w" {
		L.ArgError(2, fmt.Sprintf(`invalid mode %q (must be "r" or "w")`, mode))
	}
	pipe, err := Popen(s.fragment, line, mode)
	if err != nil {
		return failErrno(L, line, err)
	}
	f := &file{
		ctx:      s.fragment.Context(),
		raw:      pipe,
		readable: mode == "r",
		writable: mode == "w",
		size:     fileBuffer,
	}
	if f.writable {
		// It runs before what Popen has set up: that closes the pipe.
		s.fragment.AtEnd(f.endPipe)
	}
	L.Push(fileValue(L, f))
	return 1
}

func ioType(L *glua.LState) int {
	f := fileOf(L.CheckAny(1))
	switch {
	case f == nil:
		L.Push(glua.LNil)
	case f.closed:
		L.Push(glua.LString("closed file"))
	default:
		L.Push(glua.LString("file"))
	}
	return 1
}

// closeAny is io.close([file]).
func (s *ioState) closeAny(L *glua.LState) int {
	if L.GetTop() == 0 {
		return closeFile(L, s.current(L, s.output, "output"))
	}
	return fileClose(L)
}

// current returns the default file in value. It raises if that is closed.
func (s *ioState) current(L *glua.LState, value *glua.LUserData, what string) *file {
	f := fileOf(value)
	if f.closed {
		L.RaiseError("standard %s file is closed", what)
	}
	return f
}

func (s *ioState) read(L *glua.LState) int {
	return readFormats(L, s.current(L, s.input, "input"), 1)
}

func (s *ioState) write(L *glua.LState) int {
	return writeArguments(L, s.current(L, s.output, "output"), 1)
}

func (s *ioState) flush(L *glua.LState) int {
	return pushOutcome(L, "", s.current(L, s.output, "output").flush())
}

// lines is io.lines([path]).
func (s *ioState) lines(L *glua.LState) int {
	if L.Get(1) == glua.LNil {
		s.current(L, s.input, "input")
		return pushLines(L, s.input, false)
	}
	return pushLines(L, s.mustOpen(L, readMode), true)
}

// setInput is io.input([file]).
func (s *ioState) setInput(L *glua.LState) int { return s.setDefault(L, &s.input, readMode) }

// setOutput is io.output([file]).
func (s *ioState) setOutput(L *glua.LState) int { return s.setDefault(L, &s.output, writeMode) }

// setDefault makes the file at argument 1, or of that name, a default one if
// there is an argument, and returns what is the default then.
func (s *ioState) setDefault(L *glua.LState, current **glua.LUserData, flag int) int {
	switch L.Get(1).Type() {
	case glua.LTNil:
	case glua.LTString, glua.LTNumber:
		*current = s.mustOpen(L, flag)
	default:
		checkFile(L)
		*current = L.CheckUserData(1)
	}
	L.Push(*current)
	return 1
}

// mustOpen opens the file that argument 1 names. It raises if it cannot.
func (s *ioState) mustOpen(L *glua.LState, flag int) *glua.LUserData {
	path := L.CheckString(1)
	f, err := openFile(s.fragment.Context(), path, flag)
	if err != nil {
		raiseCancelled(L)
		L.ArgError(1, withPath(path, err))
	}
	return s.open.hold(L, f)
}
