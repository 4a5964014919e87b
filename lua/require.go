package lua

import (
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// loading stands in package.loaded while a module runs.
var loading = &glua.LUserData{Metatable: glua.LNil}

func (f *fragment) packageLoaded() *glua.LTable {
	if f.loaded == nil {
		f.loaded = f.L.NewTable()
	}
	return f.loaded
}

// packageLibrary is what is left of package where modules are no files: loaded
// and preload.
func (f *fragment) packageLibrary() glua.LValue {
	table := f.L.NewTable()
	table.RawSetString("loaded", f.packageLoaded())
	table.RawSetString("preload", f.L.NewTable())
	f.preload = table.RawGetString("preload").(*glua.LTable)
	return table
}

// baseRequire is require(name): a library that is built in, one of
// package.preload, or the near side's module of that name, whose source comes
// when it is first needed.
func baseRequire(L *glua.LState) int {
	name := L.CheckString(1)
	f := fragmentOf(L)
	loaded := f.packageLoaded()
	if value := loaded.RawGetString(name); value != glua.LNil {
		if value == loading {
			L.RaiseError("require %q: the module requires itself, or failed before", name)
		}
		L.Push(value)
		return 1
	}
	if library := f.builtIn(name); library != nil {
		loaded.RawSetString(name, library)
		L.Push(library)
		return 1
	}
	loaded.RawSetString(name, loading)
	value := f.load(L, name)
	loaded.RawSetString(name, value)
	L.Push(value)
	return 1
}

// builtIn is the library of a name, nil if none is built in.
func (f *fragment) builtIn(name string) glua.LValue {
	open := f.runtime.known[name]
	if open == nil || name == "_G" {
		return nil
	}
	library, ok := open(f).(*glua.LTable)
	if !ok {
		return nil
	}
	return library
}

// load runs a module, whose value is what it returns, or what it has put into
// package.loaded, or true.
func (f *fragment) load(L *glua.LState, name string) glua.LValue {
	loader := f.loader(L, name)
	L.Push(loader)
	L.Push(glua.LString(name))
	L.Call(1, 1)
	value := L.Get(-1)
	L.Pop(1)
	if value != glua.LNil {
		return value
	}
	if value := f.loaded.RawGetString(name); value != loading && value != glua.LNil {
		return value
	}
	return glua.LTrue
}

func (f *fragment) loader(L *glua.LState, name string) *glua.LFunction {
	if f.preload != nil {
		if fn, ok := f.preload.RawGetString(name).(*glua.LFunction); ok {
			return fn
		}
	}
	source, err := f.find(f.ctx, name)
	if err != nil {
		f.loaded.RawSetString(name, glua.LNil)
		L.RaiseError("require %q: %v", name, err)
	}
	code, err := f.runtime.chunks.compile(strings.ReplaceAll(name, ".", "/")+".lua", source)
	if err != nil {
		f.loaded.RawSetString(name, glua.LNil)
		L.RaiseError("require %q: %v", name, err)
	}
	return f.function(L, code)
}
