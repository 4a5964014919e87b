package lua

import glua "github.com/yuin/gopher-lua"

// maxNested is how deep calls of pcall and xpcall may nest, and coroutines that
// resume others: Lua's own limit (LUAI_MAXCCALLS). An error takes time by the
// square of the depth to pass them, and nothing can cancel that: twenty thousand
// take hours.
const maxNested = 200

// protectedCall is pcall or xpcall, nested only so deep.
func protectedCall(open opener) opener {
	return func(f *fragment) glua.LValue {
		original := open(f).(*glua.LFunction).GFunction
		return f.L.NewFunction(f.nested(original, "pcall", &f.protected))
	}
}

// nested is fn, which may call itself only so deep, as depth counts.
func (f *fragment) nested(fn glua.LGFunction, what string, depth *int) glua.LGFunction {
	return func(L *glua.LState) int {
		if *depth >= maxNested {
			L.RaiseError("stack overflow: %s nested deeper than %d", what, maxNested)
		}
		*depth++
		defer func() { *depth-- }()
		n := fn(L)
		// Where pcall has caught a cancellation and another pcall waits for it,
		// the machine would raise it again with its next instruction, but by an
		// error without a traceback, which each pcall then takes of all that is
		// below.
		if err := f.cancel.err(); err != nil && f.protected > 1 {
			panic(&glua.ApiError{Type: glua.ApiErrorRun, Object: glua.LString(err.Error()), StackTrace: "cancelled"})
		}
		return n
	}
}
