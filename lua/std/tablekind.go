package std

import (
	"fmt"
	"strconv"

	glua "github.com/yuin/gopher-lua"
)

// Lua has one kind of table, the wire and JSON have two: lists and maps. Most
// tables say by their keys which they are; an empty one cannot, and one with
// holes should not have to. So a table may be marked, by a metatable which
// does nothing but bear the mark: pairs and # see the table as it is.
const (
	kindField = "luagw.kind"
	kindList  = "list"
	kindMap   = "map"
)

// MarkList marks t as a list, even if it is empty or has holes. It takes the
// place of a metatable that t may have.
func MarkList(L *glua.LState, t *glua.LTable) { t.Metatable = kindMetatable(L, kindList) }

// MarkMap marks t as a map, even if it is empty or its keys are 1 to n. It
// takes the place of a metatable that t may have.
func MarkMap(L *glua.LState, t *glua.LTable) { t.Metatable = kindMetatable(L, kindMap) }

func kindMetatable(L *glua.LState, kind string) *glua.LTable {
	return typeMetatable(L, kindField+"."+kind, func(_ *glua.LState, mt *glua.LTable) {
		mt.RawSetString(kindField, glua.LString(kind))
	})
}

// IsList reports whether t is marked, and if so whether as a list or as a map.
func IsList(t *glua.LTable) (marked, list bool) {
	mt, ok := t.Metatable.(*glua.LTable)
	if !ok {
		return false, false
	}
	kind, ok := mt.RawGetString(kindField).(glua.LString)
	return ok, kind == kindList
}

// Shape says what t is where lists and maps differ. A table whose keys are
// exactly 1 to n is a list, and so is an empty one; all others are maps. A
// mark overrules that: a marked map is never a list, and a table marked as a
// list is one as long as its keys are positive whole numbers, n being the
// highest and the holes standing for null.
//
// n is the number of items of a list; it means nothing for a map. The cost is
// one look at each item of a list, and little for most maps.
func Shape(t *glua.LTable) (n int, isList bool) {
	marked, list := IsList(t)
	if marked && !list {
		return 0, false
	}
	n = t.MaxN()
	if keyAfter(t, n) != glua.LNil {
		return 0, false
	}
	if marked {
		return n, true
	}
	for i := 1; i <= n; i++ {
		if t.RawGetInt(i) == glua.LNil {
			return 0, false
		}
	}
	return n, true
}

// keyAfter returns a key of t beyond its items 1 to n, nil if there is none.
func keyAfter(t *glua.LTable, n int) glua.LValue {
	var last glua.LValue = glua.LNil // where Next starts; 0 would end it at once
	if n > 0 {
		last = glua.LNumber(n)
	}
	key, _ := t.Next(last)
	return key
}

// listGlobal is the global function list: it marks the table given, or a new
// one, as a list and returns it.
func listGlobal(L *glua.LState) int {
	t := tableToMark(L)
	if key := keyAfter(t, t.MaxN()); key != glua.LNil {
		L.ArgError(1, fmt.Sprintf("key %s has no place in a list", keyText(key)))
	}
	MarkList(L, t)
	L.Push(t)
	return 1
}

// mapGlobal is the global function map, the counterpart of list.
func mapGlobal(L *glua.LState) int {
	t := tableToMark(L)
	MarkMap(L, t)
	L.Push(t)
	return 1
}

func tableToMark(L *glua.LState) *glua.LTable {
	if L.GetTop() == 0 {
		return L.NewTable()
	}
	t := L.CheckTable(1)
	if marked, _ := IsList(t); t.Metatable != glua.LNil && !marked {
		L.ArgError(1, "table has a metatable of its own")
	}
	return t
}

// keyText renders a table's key for a message.
func keyText(key glua.LValue) string {
	if s, ok := key.(glua.LString); ok {
		return strconv.Quote(string(s))
	}
	return key.String()
}
