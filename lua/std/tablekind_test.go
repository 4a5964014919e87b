package std

import (
	"testing"

	glua "github.com/yuin/gopher-lua"
)

func TestShape(t *testing.T) {
	tests := []struct {
		source string
		n      int
		list   bool
	}{
		{`{}`, 0, true},
		{`{1, 2, 3}`, 3, true},
		{`{1, nil, 3}`, 0, false},
		{`{nil, 2}`, 0, false},
		{`{[2] = 1}`, 0, false},
		{`{[0] = 1, 2}`, 0, false},
		{`{1, 2, x = 3}`, 0, false},
		{`{x = 1}`, 0, false},
		{`{[1.5] = 1}`, 0, false},
		{`{[-1] = 1}`, 0, false},
		{`(function() local t = {1, 2, 3}; t[3] = nil; return t end)()`, 2, true},
		{`(function() local t = {1, x = 2}; t.x = nil; return t end)()`, 1, true},
		{`(function() local t = {x = 2}; t.x = nil; return t end)()`, 0, true},
		{`(function() local t = {1, 2}; t[1] = nil; t[2] = nil; return t end)()`, 0, true},
		{`list{}`, 0, true},
		{`list()`, 0, true},
		{`list{1, nil, 3}`, 3, true},
		{`map{}`, 0, false},
		{`map()`, 0, false},
		{`map{1, 2}`, 0, false},
		{`list(map{})`, 0, true},
		{`(function() local t = list{}; t.x = 1; return t end)()`, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			box := newSandbox(t)
			if err := box.DoString("return " + tt.source); err != nil {
				t.Fatal(err)
			}
			n, list := Shape(box.Get(-1).(*glua.LTable))
			if list != tt.list || list && n != tt.n {
				t.Errorf("got %d, %v, want %d, %v", n, list, tt.n, tt.list)
			}
		})
	}
}

func TestMarks(t *testing.T) {
	runEvalTests(t, []evalTest{
		{"pairs and # see no mark", `local t = list{1, 2}; local n = 0; for _ in pairs(t) do n = n + 1 end; return n, #t`, "2 2"},
		{"same table", `local t = {}; return list(t) == t, map(t) == t`, "true true"},
		{"no list", `return list{x = 1}`, `bad argument #1 to list (key "x" has no place in a list)`},
		{"no list by a number", `return list{1, [-1] = 1}`, `bad argument #1 to list (key -1 has no place in a list)`},
		{"no table", `return map(1)`, `bad argument #1 to map (table expected, got number)`},
		{"own metatable", `return list(setmetatable({}, {}))`, `bad argument #1 to list (table has a metatable of its own)`},
	})
}

func BenchmarkShape(b *testing.B) {
	L := glua.NewState()
	defer L.Close()
	t := L.NewTable()
	for i := range 1000 {
		t.Append(glua.LNumber(i))
	}
	for b.Loop() {
		Shape(t)
	}
}
