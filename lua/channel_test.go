package lua

import (
	"bytes"
	"errors"
	"testing"

	"github.com/luagw/luagw"
	glua "github.com/yuin/gopher-lua"
)

// counting is a module of this test: how many channels, and gateways, a fragment
// keeps.
var counting = Module{Name: "counting", Funcs: map[string]glua.LGFunction{
	"channels": func(L *glua.LState) int {
		L.Push(glua.LNumber(len(fragmentOf(L).channels)))
		return 1
	},
	"gateways": func(L *glua.LState) int {
		L.Push(glua.LNumber(len(fragmentOf(L).nearSide().gateways)))
		return 1
	},
}}

// Channels that have ended are forgotten, in a fragment that goes on for long. One
// that is open stays, and stays the same.
func TestFragmentForgetsChannelsThatHaveEnded(t *testing.T) {
	ctx := bounded(t)
	gw := openTest(t, &Runtime{Modules: []Module{counting}})
	c, err := gw.RemoteExec(ctx, `
		local own = channel:new_channel()
		channel:send(own)
		for i = 1, 2000 do
			local c = channel:new_channel()
			channel:send(c)
			c:waitclose()
			c:close()
		end
		channel:send("done")
		return channel:receive() == own, counting.channels()`)
	if err != nil {
		t.Fatal(err)
	}
	own, err := luagw.ReceiveAs[*luagw.Channel](ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	for item, err := range c.Items(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if item == "done" {
			break
		}
		item.(*luagw.Channel).Close()
	}
	if err := c.Send(ctx, own); err != nil {
		t.Fatal(err)
	}
	results, err := c.Results(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if same, kept := results[0], results[1].(int64); same != true || kept > 400 {
		t.Errorf("the open channel is the same: %v, and %d of 2000 are kept; want true, and a few", same, kept)
	}
}

func TestScriptForgetsWhatHasEnded(t *testing.T) {
	near := Near(func() *luagw.Group { return &luagw.Group{Dial: luagw.InProcess(&Runtime{})} })
	r := &Runtime{Modules: []Module{near, counting}}
	var output bytes.Buffer
	chunk := &luagw.Chunk{Name: "play.lua", Source: `
		local g = luagw.group()
		local gw = g:open("popen//id=a")
		for i = 1, 2000 do gw:remote_exec("return 1"):results() end
		if counting.channels() > 400 then print(counting.channels() .. " channels of 2000 are kept") end
		for i = 1, 500 do
			g:open("popen"):close()
			if i % 50 == 0 then collectgarbage() end
		end
		if counting.gateways() > 200 then print(counting.gateways() .. " gateways of 500 are kept") end
		if g:gateway("a") ~= gw then print("a gateway is another one") end`}
	noModules := func(name string) (string, error) { return "", errors.New("no module " + name) }
	if err := r.RunLocal(bounded(t), chunk, &output, noModules); err != nil || output.Len() > 0 {
		t.Errorf("got %v, %s", err, output.String())
	}
}
