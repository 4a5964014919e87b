package lua

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
)

// openTest opens a gateway to a runtime in this process. Lines printed there
// go to the returned function's list.
func openTest(t testing.TB, r *Runtime) *luagw.Gateway {
	t.Helper()
	g := &luagw.Group{Dial: luagw.InProcess(r), Print: func(id, line string) { t.Log(id, line) }}
	t.Cleanup(func() { g.Close() })
	gw, err := g.Open(t.Context(), "popen")
	if err != nil {
		t.Fatal(err)
	}
	return gw
}

func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestResults(t *testing.T) {
	gw := openTest(t, &Runtime{})
	for _, tt := range []struct{ name, source, want string }{
		{"numbers", "return 1, 2.5, -3", "[1 2.5 -3]"},
		{"arguments", "return ...", "[a 1 map[k:v]]"},
		{"table", "return {1,2,{x='y'}}", "[[1 2 map[x:y]]]"},
		{"string methods", "return ('x'):upper() .. ('ab'):rep(2)", "[Xabab]"},
		{"null", "return {null, 1, null}", "[[<nil> 1 <nil>]]"},
		{"any global", "return _G['ty'..'pe'](1)", "[number]"},
		{"coroutine", "return coroutine.wrap(function() coroutine.yield(7) end)()", "[7]"},
		{"loadstring", "return loadstring('return table.concat({1,2,3}, \"-\")')()", "[1-2-3]"},
		{"require", "return require('json').encode({1,2})", "[[1,2]]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := gw.Call(bounded(t), tt.source, "a", 1, map[string]any{"k": "v"})
			if err != nil || fmt.Sprint(got) != tt.want {
				t.Fatalf("got %v, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestErrorsHaveNameLineAndTraceback(t *testing.T) {
	gw := openTest(t, &Runtime{})
	for _, tt := range []struct{ source, want string }{
		{"local function f()\n  error('oops')\nend\nf()", "fragment:2: oops"},
		{"local x = nil\nreturn x.y", "fragment:2: attempt to index a non-table object(nil) with key 'y'"},
		{"x = = 1", "fragment:1: "},
		{"channel.send(1)", "use channel:send(...), with a colon"},
		{"channel:send(print)", "item: function cannot be sent"},
		{"channel:send({hosts={1,2,{f=print}}})", "item.hosts[3].f: function cannot be sent"},
		{"local t = {} t.t = t channel:send(t)", "a cycle, or nested deeper than 128"},
		{"return print", "result 1: function cannot be sent"},
		{"local function f() return 1 + f() end f()", "stack overflow"},
		{"return require 'nosuch'", "nosuch"},
		{"local function f() assert(pcall(f)) end f()", "pcall nested deeper than 200"},
		{"local function f() pcall(f) error('deep') end f()", "deep"},
		{"local function f() coroutine.wrap(f)() end f()", "coroutines nested deeper than 200"},
		{"local function f() assert(coroutine.resume(coroutine.create(f))) end f()", "coroutines nested deeper than 200"},
	} {
		_, err := gw.Call(bounded(t), tt.source)
		remote, ok := errors.AsType[*luagw.RemoteError](err)
		if !ok || !strings.Contains(remote.Message, tt.want) {
			t.Errorf("%s: got %v, want %q", tt.source, err, tt.want)
		}
	}
}

func TestAnythingIsCancelled(t *testing.T) {
	gw := openTest(t, &Runtime{})
	for _, source := range []string{
		"while true do end",
		"while true do pcall(function() while true do end end) end",
		"coroutine.wrap(function() while true do end end)()",
		"channel:receive()",
		"sleep(1000)",
		"for i = 1, 1e18 do channel:send(('x'):rep(100000)) end",
	} {
		ctx, cancel := context.WithCancel(bounded(t))
		c, err := gw.RemoteExec(ctx, source)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		cancel()
	}
	awaitNone(t, bounded(t), gw)
}

// awaitNone waits until no fragment runs.
func awaitNone(t *testing.T, ctx context.Context, gw *luagw.Gateway) {
	t.Helper()
	for {
		st, err := gw.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if st.Executing == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestCancellationOfDeepCallsIsQuick cancels fragments deep down: each pcall on the
// way up takes the error, and none may take a second for a traceback.
func TestCancellationOfDeepCallsIsQuick(t *testing.T) {
	for _, tt := range []struct{ name, source string }{
		{"pcall returned", `local function f(n) if n == 150 then channel:send(1) while true do end end return pcall(f, n + 1) end f(1)`},
		{"pcall, and again", `local n = 0 local function f()
			n = n + 1 if n == 150 then channel:send(1) end
			local ok, e = pcall(f) return f() end f()`},
		{"many calls between", `local n, g = 0
			local function down(n) if n == 0 then local ok, e = pcall(g) return ok end local ok = down(n - 1) return ok end
			g = function() n = n + 1 if n == 190 then channel:send(1) end local ok = down(38) return ok end
			while true do g() end`},
		{"coroutines", `local n = 0 local function f()
			n = n + 1 if n == 150 then channel:send(1) while true do end end
			coroutine.wrap(f)() return f() end f()`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := bounded(t)
			gw := openTest(t, &Runtime{})
			c, err := gw.RemoteExec(ctx, tt.source)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Receive(ctx); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			c.Close()
			awaitNone(t, ctx, gw)
			if took := time.Since(began); took > 8*time.Second { // under the race detector, on a busy machine
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestExitEndsTheFragmentAndNotTheAgent(t *testing.T) {
	gw := openTest(t, &Runtime{})
	ctx := bounded(t)
	if _, err := gw.Call(ctx, "os.exit(0)"); err != nil {
		t.Errorf("os.exit(0) = %v, want a clean end", err)
	}
	_, err := gw.Call(ctx, "os.exit(3)")
	remote, ok := errors.AsType[*luagw.RemoteError](err)
	if !ok || remote.Message != "os.exit(3)" || remote.Value != int64(3) {
		t.Errorf("os.exit(3) = %#v", err)
	}
	if got, err := gw.Call(ctx, "return 1"); err != nil {
		t.Errorf("after os.exit: %v, %v", got, err)
	}
}

func TestAFailureOfTheMachineIsTheFragmentsError(t *testing.T) {
	gw := openTest(t, &Runtime{})
	ctx := bounded(t)
	// gopher-lua v1.1.2 compiles this to code that runs past its end.
	_, err := gw.Call(ctx, "for i = 1, 9 do for l in pairs{1} do break end end")
	if _, ok := errors.AsType[*luagw.RemoteError](err); !ok && err != nil {
		t.Errorf("got %v, want a RemoteError or nothing", err)
	}
	if got, err := gw.Call(ctx, "return 1"); err != nil {
		t.Errorf("after the failure: %v, %v", got, err)
	}
}
