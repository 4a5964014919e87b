package std

import glua "github.com/yuin/gopher-lua"

type null struct{}

// Null is the value `null`: a nil that can stand in a table. It is one value
// for all states; nothing may be set on it.
var Null = &glua.LUserData{Value: null{}, Metatable: glua.LNil}

// IsNull reports whether v is nil or [Null].
func IsNull(v glua.LValue) bool {
	if v == glua.LNil {
		return true
	}
	ud, ok := v.(*glua.LUserData)
	if !ok {
		return false
	}
	_, ok = ud.Value.(null)
	return ok
}
