package std

import (
	"fmt"
	"io"

	glua "github.com/yuin/gopher-lua"
)

// fileType is the name of files' metatable in the registry: not FILE*, which is
// what gopher-lua's own files take.
const fileType = "io.file"

// fileValue is f as fragments see it.
func fileValue(L *glua.LState, f *file) *glua.LUserData {
	return &glua.LUserData{Value: f, Metatable: typeMetatable(L, fileType, setUpFile)}
}

func setUpFile(L *glua.LState, mt *glua.LTable) {
	L.SetFuncs(mt, map[string]glua.LGFunction{
		"__tostring": fileToString,
		"close":      fileClose,
		"flush":      fileFlush,
		"lines":      fileLines,
		"read":       fileRead,
		"seek":       fileSeek,
		"setvbuf":    fileSetVBuf,
		"write":      fileWrite,
	})
	mt.RawSetString("__index", mt)
}

// fileOf returns the file that v is, nil if it is none.
func fileOf(v glua.LValue) *file {
	if ud, ok := v.(*glua.LUserData); ok {
		f, _ := ud.Value.(*file)
		return f
	}
	return nil
}

// checkAnyFile returns the file at argument 1, open or closed.
func checkAnyFile(L *glua.LState) *file {
	f := fileOf(L.Get(1))
	if f == nil {
		L.ArgError(1, fmt.Sprintf("file expected, got %s; methods are called with a colon, as f:read()", L.Get(1).Type()))
	}
	return f
}

// checkFile returns the open file at argument 1.
func checkFile(L *glua.LState) *file {
	f := checkAnyFile(L)
	if f.closed {
		L.RaiseError("attempt to use a closed file")
	}
	return f
}

func fileToString(L *glua.LState) int {
	f := checkAnyFile(L)
	if f.closed {
		L.Push(glua.LString("file (closed)"))
		return 1
	}
	L.Push(glua.LString(fmt.Sprintf("file (%p)", f)))
	return 1
}

func fileClose(L *glua.LState) int { return closeFile(L, checkFile(L)) }

// closeFile closes f. Of a command it returns how it ended, besides true.
func closeFile(L *glua.LState, f *file) int {
	if f.standard {
		L.Push(glua.LNil)
		L.Push(glua.LString("cannot close standard file"))
		return 2
	}
	if err := f.close(); err != nil {
		return failErrno(L, "", err)
	}
	L.Push(glua.LTrue)
	pipe, ok := f.raw.(*Pipe)
	if !ok {
		return 1
	}
	L.Push(glua.LString("exit"))
	L.Push(glua.LNumber(pipe.Status()))
	return 3
}

func fileRead(L *glua.LState) int { return readFormats(L, checkFile(L), 2) }

func fileWrite(L *glua.LState) int { return writeArguments(L, checkFile(L), 2) }

// writeArguments writes the strings and numbers from argument first on.
func writeArguments(L *glua.LState, f *file, first int) int {
	texts := make([]string, 0, 8)
	for arg := first; arg <= L.GetTop(); arg++ {
		L.CheckTypes(arg, glua.LTString, glua.LTNumber)
		texts = append(texts, glua.LVAsString(L.Get(arg)))
	}
	return pushOutcome(L, "", f.write(texts...))
}

func fileFlush(L *glua.LState) int { return pushOutcome(L, "", checkFile(L).flush()) }

func fileLines(L *glua.LState) int {
	checkFile(L)
	return pushLines(L, L.CheckUserData(1), false)
}

// pushLines pushes an iterator over the lines of a file, which it closes after
// the last one if closing says so. It keeps the value, not the file in it:
// that is closed when the value is collected.
func pushLines(L *glua.LState, value *glua.LUserData, closing bool) int {
	L.Push(L.NewFunction(func(L *glua.LState) int {
		return nextFileLine(L, fileOf(value), closing)
	}))
	return 1
}

func nextFileLine(L *glua.LState, f *file, closing bool) int {
	if f.closed {
		L.RaiseError("file is already closed")
	}
	in, err := f.input()
	var line glua.LValue
	if err == nil {
		line, err = textOrNil(readRawLine(in))
	}
	if err == nil && line == glua.LNil && closing {
		err = f.close()
	}
	if err != nil {
		raiseCancelled(L)
		L.RaiseError("%s", strerror(err))
	}
	L.Push(line)
	return 1
}

func fileSeek(L *glua.LState) int {
	f := checkFile(L)
	whence, ok := map[string]int{"set": io.SeekStart, "cur": io.SeekCurrent, "end": io.SeekEnd}[L.OptString(2, "cur")]
	if !ok {
		L.ArgError(2, fmt.Sprintf(`invalid option %q (must be "set", "cur" or "end")`, L.CheckString(2)))
	}
	position, err := f.seek(int64(L.OptNumber(3, 0)), whence)
	if err != nil {
		return failErrno(L, "", err)
	}
	L.Push(glua.LNumber(position))
	return 1
}

func fileSetVBuf(L *glua.LState) int {
	f := checkFile(L)
	mode, ok := map[string]buffering{"no": bufferNone, "full": bufferFull, "line": bufferLine}[L.CheckString(2)]
	if !ok {
		L.ArgError(2, fmt.Sprintf(`invalid option %q (must be "no", "full" or "line")`, L.CheckString(2)))
	}
	return pushOutcome(L, "", f.setBuffering(mode, L.OptInt(3, 0)))
}
