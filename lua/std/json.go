package std

import (
	glua "github.com/yuin/gopher-lua"
)

// maxJSONDepth bounds the nesting of what is encoded and decoded.
const maxJSONDepth = 128

// jsonLibrary reads and writes JSON as RFC 8259 has it, straight from and to
// Lua values: encoding/json would want them as Go values in between.
func jsonLibrary() Library {
	return Library{
		Name: "json",
		Funcs: map[string]glua.LGFunction{
			"encode": jsonEncode,
			"decode": jsonDecode,
		},
	}
}

// jsonEncode is json.encode(value, options). What cannot be encoded is a
// mistake of the caller, so it raises.
func jsonEncode(L *glua.LState) int {
	v := L.CheckAny(1)
	o := checkOptions(L, 2, "indent", "sort")
	e := jsonEncoder{indent: o.int("indent", 0, 0), sorted: o.bool("sort", true)}
	if e.indent > 16 {
		L.ArgError(2, `option "indent": more than 16`)
	}
	if err := e.encode(v); err != nil {
		L.RaiseError("json.encode: %s", err.Error())
	}
	L.Push(glua.LString(e.buf))
	return 1
}

// jsonDecode is json.decode(s). What a text from elsewhere holds is a
// condition of the world, so nil and a message are returned.
func jsonDecode(L *glua.LState) int {
	d := jsonDecoder{L: L, text: L.CheckString(1), names: map[string]glua.LString{}}
	v, err := d.decode()
	if err != nil {
		return fail(L, err)
	}
	L.Push(v)
	return 1
}
