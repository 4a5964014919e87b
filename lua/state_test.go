package lua

import (
	"fmt"
	"testing"
)

// TestNextFragmentFindsNothingOfTheLast runs what leaves something, and then what
// looks for it, in a runtime that uses states again.
func TestNextFragmentFindsNothingOfTheLast(t *testing.T) {
	for _, tt := range []struct{ name, leave, find string }{
		{"global", `left = 1`, `return left == nil`},
		{"global of a name that is made up", `left = 1`, `return _G["le" .. "ft"] == nil`},
		{"changed function", `print = 1; tostring = 2`, `return type(print) == "function" and type(tostring) == "function"`},
		{"changed library", `table.insert = nil; table.left = 1`, `return type(table.insert) == "function" and table.left == nil`},
		{"changed module", `fs.read = nil; require("fs").left = 1`, `return type(fs.read) == "function" and require("fs").left == nil`},
		{"loaded module", `package.loaded.left = 1`, `return package.loaded.left == nil`},
		{"string method", `string.left = 1; string.upper = nil`, `return string.left == nil and ("a"):upper() == "A"`},
		{"metatable of strings", `getmetatable("").__index = function() return 1 end`, `return ("a"):upper() == "A"`},
		{"metatable of strings, added to", `getmetatable("").__unm = function() return 1 end`, `return not pcall(function() return -"a" end)`},
		{"metatables by debug", `for _, v in ipairs{"", 1, true, print} do debug.setmetatable(v, {__index = {left = 1}}) end`,
			`return pcall(function() return (1).left end) == false and ("a").left == nil`},
		{"metatable of channels by debug", `debug.getmetatable(channel).__index.left = 1; debug.getmetatable(channel).__metatable = nil`,
			`return channel.left == nil and getmetatable(channel) == "channel"`},
		{"environment of a method", `getfenv(channel.send).left = 1`, `return getfenv(channel.send).left == nil`},
		{"environment of a method, by load", `loadstring("getfenv(channel.send).left = 1")()`, `return getfenv(channel.send).left == nil`},
		{"coroutine", `local co = coroutine.create(function() coroutine.yield() left = 1 end) coroutine.resume(co)`, `return left == nil`},
		{"deep stack", `local function f(n) if n > 0 then return 1 + f(n - 1) end return 0 end f(5000)`, `local a, b, c return a == nil and b == nil and c == nil`},
		{"values on the stack", `local a, b, c = {}, {}, {} return (function(...) return select("#", ...) end)(a, b, c)`,
			`local a, b, c return a == nil and b == nil and c == nil and select("#", ...) == 0`},
		{"error in the middle", `local t = setmetatable({}, {__index = function() left = 1 error("x") end}) return t.y`, `return left == nil`},
		{"caught error", `pcall(error, "x") xpcall(function() error({}) end, function() left = 1 end)`, `return left == nil`},
		{"type of handles", `getmetatable(process.start{"true"}).left = 1`, `return (getmetatable(process.start{"true"}) or {}).left == nil`},
		{"arg", `arg = 1`, `return arg == nil and (function(...) return arg.n end)(1, 2) == 2`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gw := openTest(t, &Runtime{})
			for range 3 {
				gw.Call(bounded(t), tt.leave) // an error is one of the ways to leave something
				got, err := gw.Call(bounded(t), tt.find)
				if err != nil || fmt.Sprint(got) != "[true]" {
					t.Fatalf("got %v, %v", got, err)
				}
			}
		})
	}
}

// TestStatesAreUsedAgain is why the test above says anything.
func TestStatesAreUsedAgain(t *testing.T) {
	r := &Runtime{}
	gw := openTest(t, r)
	for range 100 { // a collection of garbage, or another test's, may take the one that waits
		if _, err := gw.Call(bounded(t), `return 1`); err != nil {
			t.Fatal(err)
		}
		if st, ok := r.states.pool.Get().(*state); ok {
			if n := st.L.GetTop(); n != 0 {
				t.Errorf("%d values on the stack of a state that waits", n)
			}
			return
		}
	}
	t.Fatal("no state waits for the next fragment")
}
