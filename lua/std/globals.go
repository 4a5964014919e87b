package std

import glua "github.com/yuin/gopher-lua"

// SetGlobals sets the globals of a fragment which belong to no module: null,
// int64, list, map and sleep.
func SetGlobals(L *glua.LState) {
	L.SetGlobal("null", Null)
	for name, fn := range Globals() {
		L.SetGlobal(name, L.NewFunction(fn))
	}
}

// Globals returns the global functions that [SetGlobals] sets.
func Globals() map[string]glua.LGFunction {
	return map[string]glua.LGFunction{
		"int64": int64Global,
		"list":  listGlobal,
		"map":   mapGlobal,
		"sleep": timeSleep,
	}
}
