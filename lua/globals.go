package lua

import (
	"sync"

	"github.com/luagw/luagw/lua/std"
	glua "github.com/yuin/gopher-lua"
)

// An opener makes the value of a global in a fragment's state.
//
// Opening all libraries takes ten times as long as running a small fragment.
// So a state gets only the globals whose names occur in the strings of its
// compiled chunks (names that a program does not mention it cannot use), and
// all of them once it mentions a way to find globals by names that it makes
// up. Metatables would do this too, but a program can see them.
type opener func(f *fragment) glua.LValue

// byAnyName are the globals by which others can be found.
var byAnyName = []string{"_G", "getfenv", "setfenv", "package", "debug"}

// globals are the openers of everything that a fragment can name.
func globals(modules []Module) map[string]opener {
	known := lua51()
	for name, fn := range std.Globals() {
		known[name] = function(fn)
	}
	known["channel"] = func(f *fragment) glua.LValue { return f.homeChannel() }
	known["null"] = func(*fragment) glua.LValue { return std.Null }
	for _, library := range std.Libraries() {
		known[library.Name] = module(library)
	}
	for _, library := range modules {
		known[library.Name] = module(library)
	}
	return known
}

// homeChannel is the channel of the fragment, if it has one.
func (f *fragment) homeChannel() glua.LValue {
	if f.home == nil {
		return glua.LNil
	}
	return f.channel(f.home)
}

// function opens a global function.
func function(fn glua.LGFunction) opener {
	return func(f *fragment) glua.LValue { return f.L.NewFunction(fn) }
}

// module opens a library by require, so that both ways give the same table.
func module(library Module) opener {
	return once(library.Name, func(f *fragment) glua.LValue { return library.Open(f.L) })
}

// lua51 are the openers of what Lua itself has, with the functions replaced
// that would touch the process's own standard streams, end it, or compile
// without our limits.
func lua51() map[string]opener {
	known := map[string]opener{}
	for _, name := range templateNames {
		known[name] = fromTemplate(name)
	}
	known["coroutine"] = coroutineLibrary(known["coroutine"])
	known["debug"] = debugLibrary(known["debug"])
	for _, name := range []string{"table", "math", "coroutine", "debug"} {
		known[name] = once(name, known[name])
	}
	for name, fn := range replaced {
		known[name] = function(fn)
	}
	known["_G"] = func(f *fragment) glua.LValue { return f.L.G.Global }
	known["string"] = func(f *fragment) glua.LValue { return f.stringLibrary() }
	known["pcall"] = protectedCall(known["pcall"])
	known["xpcall"] = protectedCall(known["xpcall"])
	known["package"] = func(f *fragment) glua.LValue { return f.packageLibrary() }
	for _, library := range []Module{std.IOLibrary(), std.OSLibrary()} {
		known[library.Name] = module(library)
	}
	return known
}

// templateNames are the globals that come from the template, by name: an agent's
// first fragment mostly needs none of them, and does not wait for it.
var templateNames = []string{
	"_VERSION", "assert", "collectgarbage", "coroutine", "debug", "error", "getfenv", "getmetatable", "ipairs", "math", "next",
	"pairs", "pcall", "rawequal", "rawget", "rawset", "select", "setfenv", "setmetatable", "table", "tonumber", "tostring", "type",
	"unpack", "xpcall",
}

// template are gopher-lua's own globals, in a state that nothing runs in.
var template = sync.OnceValue(func() *glua.LTable {
	L := glua.NewState(glua.Options{SkipOpenLibs: true})
	defer L.Close()
	for _, open := range []glua.LGFunction{glua.OpenBase, glua.OpenTable, glua.OpenMath, glua.OpenCoroutine, glua.OpenDebug, glua.OpenString} {
		L.Push(L.NewFunction(open))
		L.Call(0, 0)
	}
	return L.G.Global
})

// fromTemplate opens what the template has under a name.
func fromTemplate(name string) opener {
	return func(f *fragment) glua.LValue { return f.copy(template().RawGetString(name)) }
}

// once has the global and what require finds be the same table.
func once(name string, open opener) opener {
	return func(f *fragment) glua.LValue {
		loaded := f.packageLoaded()
		if table := loaded.RawGetString(name); table != glua.LNil {
			return table
		}
		table := open(f)
		loaded.RawSetString(name, table)
		return table
	}
}

// replaced are base functions that differ from gopher-lua's.
var replaced = map[string]glua.LGFunction{
	"print":      basePrint,
	"load":       baseLoad,
	"loadstring": baseLoadString,
	"loadfile":   baseLoadFile,
	"dofile":     baseDoFile,
	"require":    baseRequire,
}

// copy makes a value of the template state one of f's.
func (f *fragment) copy(value glua.LValue) glua.LValue {
	switch v := value.(type) {
	case *glua.LFunction:
		return f.copyFunction(v)
	case *glua.LTable:
		table := f.L.CreateTable(0, 16)
		v.ForEach(func(key, member glua.LValue) {
			if member != value {
				table.RawSet(key, f.copy(member))
			}
		})
		return table
	}
	return value
}

func (f *fragment) copyFunction(fn *glua.LFunction) *glua.LFunction {
	upvalues := make([]glua.LValue, len(fn.Upvalues))
	for i, upvalue := range fn.Upvalues {
		upvalues[i] = f.copy(upvalue.Value())
	}
	return f.L.NewClosure(fn.GFunction, upvalues...)
}

// open opens what a chunk may use.
func (f *fragment) open(code *compiled) {
	f.stringMethods()
	if code.all {
		f.openAll()
		return
	}
	for _, name := range code.globals {
		f.openGlobal(name, f.runtime.known[name])
	}
}

func (f *fragment) openAll() {
	f.all = true
	for name, open := range f.runtime.known {
		f.openGlobal(name, open)
	}
}

// openGlobal sets a global once: what a fragment has made of it since stays.
func (f *fragment) openGlobal(name string, open opener) {
	if f.opened[name] {
		return
	}
	if f.opened == nil {
		f.opened = map[string]bool{}
	}
	f.opened[name] = true
	f.L.G.Global.RawSetString(name, open(f))
}

// stringMethods makes s:upper() work where no chunk mentions the string
// library: the first method that is looked up opens it.
func (f *fragment) stringMethods() {
	if f.L.GetMetatable(glua.LString("")) != glua.LNil {
		return
	}
	mt := f.L.CreateTable(0, 1)
	mt.RawSetString("__index", f.L.NewFunction(func(L *glua.LState) int {
		L.Push(f.stringLibrary().RawGet(L.Get(2)))
		return 1
	}))
	f.L.SetMetatable(glua.LString(""), mt)
}

// stringLibrary opens string, once, and makes its functions methods.
func (f *fragment) stringLibrary() *glua.LTable {
	if f.strings != nil {
		return f.strings
	}
	f.L.Push(f.L.NewFunction(glua.OpenString))
	f.L.Call(0, 1)
	f.strings = f.L.Get(-1).(*glua.LTable)
	f.L.Pop(1)
	f.strings.RawSetString("rep", f.L.NewFunction(stringRep))
	f.strings.RawSetString("__index", glua.LNil)
	mt := f.L.CreateTable(0, 1)
	mt.RawSetString("__index", f.strings)
	f.L.SetMetatable(glua.LString(""), mt)
	f.packageLoaded().RawSetString("string", f.strings)
	return f.strings
}
