package lua

import glua "github.com/yuin/gopher-lua"

// maxProtected is how deep calls of pcall and xpcall may nest: Lua's own limit
// (LUAI_MAXCCALLS). Each of those that an error passes takes a traceback, whose
// cost grows with the square of the depth, and nothing can cancel that: twenty
// thousand of them take hours.
const maxProtected = 200

// protectedCall is pcall or xpcall, nested only so deep.
func protectedCall(open opener) opener {
	return func(f *fragment) glua.LValue {
		original := open(f).(*glua.LFunction).GFunction
		return f.L.NewFunction(func(L *glua.LState) int {
			if f.protected >= maxProtected {
				L.RaiseError("stack overflow: pcall nested deeper than %d", maxProtected)
			}
			f.protected++
			defer func() { f.protected-- }()
			return original(L)
		})
	}
}
