package lua

import (
	"os"
	"strings"

	"github.com/luagw/luagw/lua/std"
	glua "github.com/yuin/gopher-lua"
)

// maxRep is the longest string that string.rep makes: a call that nothing can
// interrupt must not take all memory.
const maxRep = 1 << 30

// basePrint is print: its line goes where the fragment's output goes.
func basePrint(L *glua.LState) int {
	var line strings.Builder
	for i := 1; i <= L.GetTop(); i++ {
		if i > 1 {
			line.WriteByte('\t')
		}
		line.WriteString(L.ToStringMeta(L.Get(i)).String())
	}
	line.WriteByte('\n')
	if _, err := std.Of(L).Output().Write([]byte(line.String())); err != nil {
		L.RaiseError("print: %v", err)
	}
	return 0
}

// stringRep is string.rep with a bound.
func stringRep(L *glua.LState) int {
	s, n := L.CheckString(1), L.CheckInt(2)
	if n <= 0 || s == "" {
		L.Push(glua.LString(""))
		return 1
	}
	if n > maxRep/len(s) {
		L.RaiseError("string.rep: resulting string too large")
	}
	L.Push(glua.LString(strings.Repeat(s, n)))
	return 1
}

// baseLoadString is loadstring(source [, name]).
func baseLoadString(L *glua.LState) int {
	source := L.CheckString(1)
	return pushChunk(L, L.OptString(2, source), source)
}

// baseLoad is load(f [, name]): the source comes in pieces, until f returns
// nil or an empty string.
func baseLoad(L *glua.LState) int {
	if s, ok := L.Get(1).(glua.LString); ok {
		return pushChunk(L, L.OptString(2, string(s)), string(s))
	}
	next := L.CheckFunction(1)
	var source strings.Builder
	for {
		L.Push(next)
		L.Call(0, 1)
		piece := L.Get(-1)
		L.Pop(1)
		if piece == glua.LNil {
			break
		}
		s, ok := piece.(glua.LString)
		if !ok {
			L.Push(glua.LNil)
			L.Push(glua.LString("reader function must return a string"))
			return 2
		}
		if s == "" {
			break
		}
		source.WriteString(string(s))
	}
	return pushChunk(L, L.OptString(2, "=(load)"), source.String())
}

// baseLoadFile is loadfile(path). Without a path there is nothing to load, for
// fragments have no standard input.
func baseLoadFile(L *glua.LState) int {
	path := L.OptString(1, "")
	err := std.PermitRead(path)
	var source []byte
	if err == nil {
		source, err = os.ReadFile(path)
	}
	if path == "" {
		source, err = nil, nil
	}
	if err != nil {
		L.Push(glua.LNil)
		L.Push(glua.LString("cannot open " + path + ": " + err.Error()))
		return 2
	}
	return pushChunk(L, "@"+path, string(source))
}

// baseDoFile is dofile(path).
func baseDoFile(L *glua.LState) int {
	top := L.GetTop()
	if baseLoadFile(L) == 2 {
		L.Error(L.Get(-1), 1)
	}
	L.Call(0, glua.MultRet)
	return L.GetTop() - top
}

// pushChunk compiles a source and pushes its function, or nil and what is
// wrong with it.
func pushChunk(L *glua.LState, name, source string) int {
	f := fragmentOf(L)
	code, err := f.runtime.chunks.compile(chunkName(name), source)
	if err != nil {
		L.Push(glua.LNil)
		L.Push(glua.LString(err.Error()))
		return 2
	}
	L.Push(f.function(L, code))
	return 1
}

// chunkName is how Lua shows the name of a chunk: a name after = or @, or the
// first line of the source.
func chunkName(name string) string {
	if strings.HasPrefix(name, "=") || strings.HasPrefix(name, "@") {
		return name[1:]
	}
	line, _, more := strings.Cut(name, "\n")
	if len(line) > 60 {
		line, more = line[:60], true
	}
	if more {
		line += "..."
	}
	return `[string "` + line + `"]`
}
