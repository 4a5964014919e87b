package std

import (
	"fmt"

	glua "github.com/yuin/gopher-lua"
)

// object is a table of named values on the Go side. Members that are nil are
// not set.
type object = map[string]any

// fromGo makes a Lua value of what a module has found out: nil, bool, string,
// the numbers, []string, []any and object.
func fromGo(L *glua.LState, v any) glua.LValue {
	switch v := v.(type) {
	case nil:
		return glua.LNil
	case bool:
		return glua.LBool(v)
	case string:
		return glua.LString(v)
	case int:
		return fromInt(L, int64(v))
	case int64:
		return fromInt(L, v)
	case uint64:
		if v > maxExact {
			return NewUint64(L, v)
		}
		return glua.LNumber(v)
	case float64:
		return glua.LNumber(v)
	case []string:
		return listFromGo(L, v)
	case []any:
		return listFromGo(L, v)
	case object:
		return mapFromGo(L, v)
	}
	panic(fmt.Sprintf("std: internal error: no Lua value for %T", v))
}

func fromInt(L *glua.LState, n int64) glua.LValue {
	if n < -maxExact || n > maxExact {
		return NewInt64(L, n)
	}
	return glua.LNumber(n)
}

func listFromGo[T any](L *glua.LState, items []T) *glua.LTable {
	t := L.CreateTable(len(items), 0)
	for i, item := range items {
		t.RawSetInt(i+1, fromGo(L, item))
	}
	if len(items) == 0 {
		MarkList(L, t)
	}
	return t
}

func mapFromGo(L *glua.LState, members object) *glua.LTable {
	t := L.CreateTable(0, len(members))
	for name, v := range members {
		t.RawSetString(name, fromGo(L, v))
	}
	if len(members) == 0 {
		MarkMap(L, t)
	}
	return t
}

// known returns v, or nil if it is the zero value: what a fact is not known
// to be.
func known[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}
