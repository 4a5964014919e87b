package std

import (
	"fmt"
	"math"
	"slices"
	"strings"

	glua "github.com/yuin/gopher-lua"

	"github.com/luagw/luagw/internal/nearest"
)

// options is the table of named options which may end a call's arguments.
type options struct {
	L     *glua.LState
	arg   int
	table *glua.LTable // nil if the call gave none
}

// checkOptions returns the options at argument arg. It raises if that is
// neither absent nor a table, or holds a key that is not among known: a typo
// must not pass for a wish to have the default.
func checkOptions(L *glua.LState, arg int, known ...string) options {
	o := options{L: L, arg: arg}
	if L.Get(arg) == glua.LNil {
		return o
	}
	o.table = L.CheckTable(arg)
	o.table.ForEach(func(key, _ glua.LValue) {
		if name, ok := key.(glua.LString); !ok || !slices.Contains(known, string(name)) {
			L.ArgError(arg, unknownName("option", key.String(), known))
		}
	})
	return o
}

// get returns the option's value, nil if it was not given.
func (o options) get(key string) glua.LValue {
	if o.table == nil {
		return glua.LNil
	}
	return o.table.RawGetString(key)
}

// bool returns a boolean option, or missing if it was not given.
func (o options) bool(key string, missing bool) bool {
	v := o.get(key)
	if v == glua.LNil {
		return missing
	}
	b, ok := v.(glua.LBool)
	if !ok {
		o.refuse(key, "boolean", v)
	}
	return bool(b)
}

// string returns a string option, or missing if it was not given.
func (o options) string(key, missing string) string {
	v := o.get(key)
	if v == glua.LNil {
		return missing
	}
	s, ok := v.(glua.LString)
	if !ok {
		o.refuse(key, "string", v)
	}
	return string(s)
}

// int returns a whole number of at least least, or missing if it was not given.
func (o options) int(key string, missing, least int) int {
	v := o.get(key)
	if v == glua.LNil {
		return missing
	}
	n, ok := v.(glua.LNumber)
	if !ok || n != glua.LNumber(int(n)) || math.Abs(float64(n)) > maxExact {
		o.refuse(key, "whole number", v)
	}
	if int(n) < least {
		o.L.ArgError(o.arg, fmt.Sprintf("option %q: %d is less than %d", key, int(n), least))
	}
	return int(n)
}

func (o options) refuse(key, want string, got glua.LValue) {
	o.L.ArgError(o.arg, fmt.Sprintf("option %q: %s expected, got %s", key, want, got.Type()))
}

// unknownName says that name is no such thing, and which of known is nearest.
func unknownName(what, name string, known []string) string {
	text := fmt.Sprintf("unknown %s %q", what, name)
	if near := nearest.Word(name, known); near != "" {
		return text + fmt.Sprintf(" (did you mean %q?)", near)
	}
	known = slices.Sorted(slices.Values(known))
	return text + " (known: " + strings.Join(known, ", ") + ")"
}
