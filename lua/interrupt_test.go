package lua

import (
	"context"
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/luagw/luagw"
)

// TestCancelReachesAllCode cancels fragments in code that came to them in all
// sorts of ways.
func TestCancelReachesAllCode(t *testing.T) {
	g := &luagw.Group{
		Dial:    luagw.InProcess(&Runtime{}),
		Modules: fstest.MapFS{"spin.lua": {Data: []byte("return {run = function(go) go() while true do end end}")}},
	}
	defer g.Close()
	gw, err := g.Open(t.Context(), "popen")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, source string }{
		{"a function in a function", "local function f() return function() go() while true do end end end f()()"},
		{"loadstring", "loadstring('local go = ... go() while true do end')(go)"},
		{"a function of a chunk that is gone", "local f = loadstring('return function(go) go() while true do end end')() go(true) f(go)"},
		{"a module", "require('spin').run(go)"},
		{"what table.sort calls", "table.sort({3, 2, 1}, function(a, b) go() while true do end end)"},
		{"what string.gsub calls", "('abc'):gsub('.', function() go() while true do end end)"},
		{"a metamethod", "local t = setmetatable({}, {__index = function() go() while true do end end}) return t.x"},
		{"an iterator", "for x in function() go() while true do end end do end"},
		{"an error handler", "xpcall(error, function() go() while true do end end)"},
		{"a coroutine", "local co = coroutine.create(function() go() while true do coroutine.yield() end end) while true do coroutine.resume(co) end"},
		{"a loop of closures", "go() while true do local x, y local f = function() x = y return function() y = x end end f()() end"},
		{"a loop of long tables", "go() while true do local t = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10} end"},
		{"a loop of an iterator", "go() while true do for k, v in pairs({1, 2, 3}) do end end"},
		{"tail calls", "local function f(n) if n == 1 then go() end return f(n + 1) end f(1)"},
		{"caught errors", "go() while true do pcall(error, 'x') end"},
		{"calls of Go functions", "go() while true do math.floor(1.5) tostring(1) end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := bounded(t)
			const goes = `local gone = false local function go(again)
				if again then channel:send(0) channel:receive() elseif not gone then gone = true channel:send(1) end end `
			c, err := gw.RemoteExec(ctx, goes+tt.source)
			if err != nil {
				t.Fatal(err)
			}
			for item := any(int64(0)); item == int64(0); {
				if item, err = c.Receive(ctx); err != nil {
					t.Fatal(err)
				}
				runtime.GC()
				c.Send(ctx, 1)
			}
			c.Close()
			awaitNone(t, ctx, gw)
		})
	}
}

// TestCancelLeavesOthersAlone has fragments of the same source, of which only one
// is cancelled.
func TestCancelLeavesOthersAlone(t *testing.T) {
	const source = "local f = loadstring('return ... + 1') for x in channel do channel:send(f(x)) for i = 1, 1e3 do end end"
	gw := openTest(t, &Runtime{})
	ctx := bounded(t)
	start := func() *luagw.Channel {
		c, err := gw.RemoteExec(ctx, source)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	answers := func(c *luagw.Channel) {
		t.Helper()
		for i := range int64(3) {
			c.Send(ctx, i)
			if got, err := c.Receive(ctx); got != i+1 {
				t.Fatalf("got %v, %v; want %d", got, err, i+1)
			}
		}
	}
	one, other := start(), start()
	answers(one)
	answers(other)
	one.Close()
	answers(other)
	answers(start())
}

func TestCancelBeforeTheCodeIsThere(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	i := newInterrupt(ctx)
	for i.err() == nil {
		runtime.Gosched() // it happens on a goroutine of its own
	}
	proto, err := compile("loop", "while true do end return function() end")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the fragment's chunk, and what it loads
		own := i.own(proto)
		for _, code := range [][]uint32{own.Code, own.FunctionPrototypes[0].Code} {
			for n, instruction := range code {
				if instruction != noInstruction {
					t.Fatalf("instruction %d is left", n)
				}
			}
		}
	}
	for _, instruction := range proto.Code {
		if instruction == noInstruction {
			t.Fatal("the chunk itself was changed, which others run too")
		}
	}
}

func TestLoadedCodeIsForgotten(t *testing.T) {
	i := newInterrupt(t.Context())
	proto, err := compile("loaded", "return function() end")
	if err != nil {
		t.Fatal(err)
	}
	const loads = 10_000
	for n := range loads {
		i.own(proto)
		if n%500 == 0 {
			runtime.GC()
		}
	}
	if got := len(i.loaded); got > loads/2 {
		t.Errorf("%d of %d functions that are gone are remembered", got, 2*loads)
	}
}
