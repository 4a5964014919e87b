package lua

import (
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// coroutineLibrary is gopher-lua's, whose threads are nested only so deep.
func coroutineLibrary(open opener) opener {
	return func(f *fragment) glua.LValue {
		table := open(f).(*glua.LTable)
		wrap := table.RawGetString("wrap").(*glua.LFunction)
		original := wrap.GFunction
		wrap.GFunction = func(L *glua.LState) int {
			n := original(L)
			fn := L.Get(-1).(*glua.LFunction)
			fn.GFunction = f.nested(fn.GFunction, "coroutines", &f.resumed)
			return n
		}
		resume := table.RawGetString("resume").(*glua.LFunction)
		resume.GFunction = f.nested(resume.GFunction, "coroutines", &f.resumed)
		return table
	}
}

// debugLibrary is gopher-lua's, less the way to change null, which all states
// share, and with the names of chunks as Lua has them.
func debugLibrary(open opener) opener {
	return func(f *fragment) glua.LValue {
		table := open(f).(*glua.LTable)
		original := table.RawGetString("setmetatable").(*glua.LFunction).GFunction
		table.RawSetString("setmetatable", f.L.NewFunction(func(L *glua.LState) int {
			if L.Get(1).Type() == glua.LTUserData {
				L.ArgError(1, "the metatable of a userdata cannot be changed")
			}
			return original(L)
		}))
		getInfo := table.RawGetString("getinfo").(*glua.LFunction).GFunction
		table.RawSetString("getinfo", f.L.NewFunction(func(L *glua.LState) int {
			n := getInfo(L)
			if info, ok := L.Get(-1).(*glua.LTable); ok {
				nameSource(info)
			}
			return n
		}))
		return table
	}
}

// nameSource sets source to the name that a chunk was given, and short_src to
// what errors call it, which is all that gopher-lua keeps.
func nameSource(info *glua.LTable) {
	shown, ok := info.RawGetString("source").(glua.LString)
	if !ok {
		return
	}
	info.RawSetString("short_src", shown)
	if name, ok := strings.CutPrefix(string(shown), `[string "`); ok {
		info.RawSetString("source", glua.LString(strings.TrimSuffix(name, `"]`)))
	}
}
