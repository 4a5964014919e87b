package lua

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua/types"
	glua "github.com/yuin/gopher-lua"
)

// runNear runs a script on the near side, whose gateways are in this process,
// and returns what it printed and what fragments printed.
func runNear(t *testing.T, source string, args ...any) (string, error) {
	t.Helper()
	var groups []*luagw.Group
	lines := make(chan string, 100)
	near := Near(func() *luagw.Group {
		g := &luagw.Group{
			Dial:  luagw.InProcess(&Runtime{}),
			Print: func(id, line string) { lines <- id + ": " + line + "\n" },
		}
		groups = append(groups, g)
		return g
	})
	var output bytes.Buffer
	r := &Runtime{Modules: []Module{near}}
	err := r.RunLocal(bounded(t), &luagw.Chunk{Name: "play.lua", Source: source, Args: args}, &output,
		func(name string) (string, error) { return "", errors.New("no module " + name) })
	for _, g := range groups {
		for gw := range g.Gateways() {
			t.Errorf("gateway %s is still open after the script", gw.ID())
		}
	}
	close(lines)
	for line := range lines {
		output.WriteString(line)
	}
	return output.String(), err
}

func TestNear(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.lua")
	if err := os.WriteFile(file, []byte("return 'file', ..."), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, source, want string }{
		{"call", `print(gw:call("return 1, nil, ...", "a", {x = 1}, nil))`, "1\tnil\ta\ttable: "},
		{"call converts", `print(select(2, gw:call("return ...", 1, {x = {2}})).x[1])`, "2\n"},
		{"remote_exec", `local c = gw:remote_exec("for x in channel do channel:send(x + 1) end return 'end'")
			c:send(1) print(c:receive()) c:close_write() print(c:results())`, "2\nend\n"},
		{"remote_exec_file", `print(gw:remote_exec_file(FILE, 7):results())`, "file\t7\n"},
		{"iteration", `for x in gw:remote_exec("for i = 1, 3 do channel:send(i) end") do print(x) end`, "1\n2\n3\n"},
		{"prints go home", `gw:call("print('hello')")`, "a: hello\n"},
		{"id", `print(gw.id, gw, g:gateway("a") == gw, g:gateway("b"), gw.nothing)`, "a\tgateway a\ttrue\tnil\tnil\n"},
		{"info", `print(type(gw.info.pid), gw.info.os ~= "")`, "number\ttrue\n"},
		{"status", `local c = gw:remote_exec("channel:send(1) channel:receive()") c:receive() print(gw:status().executing) c:close()`, "1\n"},
		{"gateways", `print(#g:gateways(), g:gateways()[1] == gw, g)`, "1\ttrue\tgroup (gateways: 1)\n"},
		{"gateway of a channel", `print(gw:new_channel():gateway() == gw)`, "true\n"},
		{"channels as values", `local c = gw:new_channel()
			gw:remote_exec("local c = ... c:send('hi') c:close()", c) print(c:receive()) print(c:receive())`, "hi\nnil\tclosed\n"},
		{"channels within items", `local c = gw:remote_exec("channel:receive().c:send('hi')")
			local d = gw:new_channel() c:send({c = d}) print(d:receive())`, "hi\n"},
		{"close", `gw:close() print(#g:gateways())`, "0\n"},
		{"shutdown", `local c = gw:remote_exec("channel:send(1) for x in channel do end return 'ended'") c:receive() gw:shutdown(10) print(c:results())`, "ended\n"},
		{"group of its own", `local h = luagw.group() h:open("popen//id=a") h:close() print(#g:gateways())`, "1\n"},
		{"require", `print(require("luagw") == luagw)`, "true\n"},
		{"coroutine", `print(coroutine.wrap(function() return gw:call("return 5") end)())`, "5\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			prelude := "FILE = ... local g = luagw.group() local gw = g:open('popen//id=a') "
			got, err := runNear(t, prelude+tt.source, file)
			if err != nil || !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestNearMultiChannel(t *testing.T) {
	for _, tt := range []struct{ name, source, want string }{
		{"channels", `local m = g:remote_exec("") print(#m:channels(), m, m:channels()[1]:isclosed() ~= nil)`, "3\tmultichannel (channels: 3)\ttrue\n"},
		{"send and receive", `local m = g:remote_exec("for x in channel do channel:send(x * 2) end")
			m:send_each(2) print(unpack(m:receive_each())) m:close()`, "4\t4\t4\n"},
		{"receive timeout", `local m = g:remote_exec("channel:receive()") print(m:receive_each(0.01)) m:close()`, "nil\ttimeout\n"},
		{"receive at the end", `print(g:remote_exec(""):receive_each())`, "nil\tclosed\n"},
		{"receive from some", `local m = luagw.multichannel({all[1]:remote_exec("channel:send('x')"), all[2]:remote_exec("")})
			local items, why = m:receive_each() print(items[1], items[2] == null, why)`, "x\ttrue\tclosed\n"},
		{"items", `local n = {a = 0, b = 0, c = 0}
			for c, x in g:remote_exec("for i = 1, 100 do channel:send(i) end"):items() do n[c:gateway().id] = n[c:gateway().id] + x end
			print(n.a, n.b, n.c)`, "5050\t5050\t5050\n"},
		{"nil items", `local n = 0 for c, x in g:remote_exec("channel:send(nil)"):items() do n = n + 1 end print(n)`, "3\n"},
		{"items after a break", `local m = g:remote_exec("for i = 1, 2 do channel:send(i) end")
			local n = 0
			for c in m:items() do n = n + 1 break end
			for c in m:items() do n = n + 1 end
			print(n)`, "6\n"},
		{"items of the others are kept", `local m = luagw.multichannel({all[1]:remote_exec("error('oops', 0)"), all[2]:remote_exec("for i = 1, 3 do channel:send(i) end")})
			local n = 0
			print(pcall(function() for c, x in m:items() do n = n + x end end))
			print(n)`, "false\tplay.lua:3: multichannel:items: a: oops\n6\n"},
		{"wait", `local m = g:remote_exec("return ...", 1) m:wait() print("done")`, "done\n"},
		{"wait raises all", `local f = "error('oops', 0)"
			local m = luagw.multichannel({all[2]:remote_exec(f), all[3]:remote_exec(""), all[1]:remote_exec(f)})
			print(pcall(m.wait, m))`, "false\tplay.lua:3: b: oops\na: oops\n"},
		{"results", `local r = g:remote_exec("return ...", 1, "x"):results() print(#r, r[3][1], r[3][2])`, "3\t1\tx\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			prelude := "local g = luagw.group() local all = g:open_all({'popen//id=a', 'popen//id=b', 'popen//id=c'}) "
			got, err := runNear(t, prelude+tt.source)
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestNearErrors(t *testing.T) {
	for _, tt := range []struct{ name, source, want string }{
		{"of a fragment", `gw:call("local x = nil; x()")`, "play.lua:1: a: fragment:1: "},
		{"of a channel", `gw:remote_exec("error('oops', 0)"):receive()`, "play.lua:1: a: oops"},
		{"of results", `gw:remote_exec("error('oops', 0)"):results()`, "play.lua:1: a: oops"},
		{"argument", `gw:call("", 1, print)`, "play.lua:1: argument 2: function cannot be sent"},
		{"group argument", `g:remote_exec("", print)`, "play.lua:1: argument 1: function cannot be sent"},
		{"item", `gw:remote_exec("channel:receive()"):send(print)`, "channel:send: a: item: function cannot be sent"},
		{"spec", `g:open("popen//ids=x")`, `did you mean "id"?`},
		{"specs", `g:open_all({"popen//id=z", 1})`, "spec 2: string expected, got number"},
		{"id twice", `g:open("popen//id=a")`, `"a" is in use in this group`},
		{"colon", `gw.call("return 1")`, "use gateway:call(...), with a colon"},
		{"colon of a group", `g.open("popen")`, "use group:open(...), with a colon"},
		{"no channel", `luagw.multichannel({1})`, "item 1 is no channel"},
		{"channel to all", `g:remote_exec("channel:receive()"):send_each(gw:new_channel())`, "item: channel: cannot be sent here"},
		{"channel of another", `local h = g:open("popen//id=b") gw:remote_exec("", h:new_channel())`, ": channel: belongs to another gateway"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := runNear(t, "local g = luagw.group() local gw = g:open('popen//id=a') "+tt.source)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestNearClosed uses what was closed. The errors are luagw's own, not Go's, which
// would speak of network connections.
func TestNearClosed(t *testing.T) {
	const (
		channel = ": luagw: the channel was closed on this side"
		sending = ": luagw: the channel was closed for sending on this side"
		other   = ": luagw: the channel was closed on the other side"
		gateway = ": a: luagw: the gateway was closed on this side"
		group   = "luagw: the group was closed"
	)
	for _, tt := range []struct{ name, source, want string }{
		{"call", `gw:close() gw:call("")`, "gateway:call" + gateway},
		{"remote_exec", `gw:close() gw:remote_exec("")`, "gateway:remote_exec" + gateway},
		{"new_channel", `gw:close() gw:new_channel()`, "gateway:new_channel" + gateway},
		{"status", `gw:close() gw:status()`, "gateway:status" + gateway},
		{"send after the gateway's end", `c:receive() gw:close() c:send(1)`, "channel:send" + gateway},
		{"results after the gateway's end", `c:receive() gw:close() c:results()`, "channel:results" + gateway},
		{"new_channel after the gateway's end", `c:receive() gw:close() c:new_channel()`, "channel:new_channel" + gateway},
		{"send after close", `c:close() c:send(1)`, "channel:send: a" + channel},
		{"results after close", `c:close() c:results()`, "channel:results: a" + channel},
		{"send after close_write", `c:close_write() c:send(1)`, "channel:send: a" + sending},
		{"send after the fragment's end", `c:send("end") c:waitclose() c:send(1)`, "channel:send: a" + other},
		{"channel as a value", `local d = gw:new_channel() d:close() c:send(d)`, "channel:send: a: item: channel: is closed"},
		{"send to a channel that the other side closed", `local d = gw:new_channel()
			gw:call("(...):close()", d) d:waitclose() d:send(1)`, "channel:send: a" + other},
		{"send_each", `local m = g:remote_exec("channel:receive()") m:close() m:send_each(1)`, "multichannel:send_each: a" + channel},
		{"results of all", `local m = g:remote_exec("channel:receive()") m:close() m:results()`, "play.lua:2: a" + channel},
		{"results of all after the gateway's end", `local m = g:remote_exec("channel:receive()") gw:close() m:results()`, "play.lua:2" + gateway},
		{"open", `g:close() g:open("popen")`, group},
		{"open_all", `g:close() g:open_all({"popen"})`, group},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := runNear(t, `local g = luagw.group() local gw = g:open('popen//id=a')
				local c = gw:remote_exec("channel:send(1) for x in channel do break end") `+tt.source)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "network") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNearErrorHasBothTracebacks(t *testing.T) {
	_, err := runNear(t, "local gw = luagw.group():open()\ngw:call('\\nerror(\"oops\")')")
	remote, ok := errors.AsType[*luagw.RemoteError](err)
	if !ok || remote.Message != "play.lua:2: gw0: fragment:2: oops" || !strings.Contains(remote.Traceback, "fragment:2:") || !strings.Contains(remote.Traceback, "play.lua:2:") {
		t.Errorf("got %#v, want a traceback with fragment:2 and play.lua:2", err)
	}
}

// TestNearOnTheFarSide has a fragment open a gateway of its own.
func TestNearOnTheFarSide(t *testing.T) {
	near := Near(func() *luagw.Group { return &luagw.Group{Dial: luagw.InProcess(&Runtime{})} })
	gw := openTest(t, &Runtime{Modules: []Module{near}})
	got, err := gw.Call(bounded(t), `local c = luagw.group():open():remote_exec("return 5")
		return c:results(), c:gateway().id, channel:gateway()`)
	if want := "[5 gw0 <nil>]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v; want %s", got, err, want)
	}
}

// TestNearDefinitions compares the methods with their definitions for editors.
func TestNearDefinitions(t *testing.T) {
	files, err := types.Files()
	if err != nil {
		t.Fatal(err)
	}
	defined := map[string][]string{}
	for _, fn := range files[len(files)-1].Functions() {
		defined[fn.Owner] = append(defined[fn.Owner], fn.Name)
	}
	for owner, functions := range map[string]map[string]glua.LGFunction{
		"luagw": Near(nil).Funcs, "Group": groupMethods(), "Gateway": gatewayMethods(),
		"Channel": nearChannelMethods(), "MultiChannel": multiMethods(),
	} {
		got := slices.Sorted(slices.Values(defined[owner]))
		if want := slices.Sorted(maps.Keys(functions)); !slices.Equal(got, want) {
			t.Errorf("%s: got %v defined, want %v", owner, got, want)
		}
	}
}

func TestNearErrorValue(t *testing.T) {
	got, err := runNear(t, `local gw = luagw.group():open()
		local ok, e = pcall(gw.call, gw, "error({code = 5})") print(ok, e.code)`)
	if err != nil || got != "false\t5\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestNearErrorValueUncaught(t *testing.T) {
	_, err := runNear(t, `luagw.group():open():call("error(setmetatable({}, {__tostring = function() return 'strange' end}))")`)
	if err == nil || err.Error() != "gw0: strange" {
		t.Errorf("got %v, want gw0: strange", err)
	}
}
