package lua

import (
	"fmt"
	"slices"

	"github.com/luagw/luagw"
	glua "github.com/yuin/gopher-lua"
)

// groupValue is a group in a Lua state.
type groupValue struct {
	f *fragment
	g *luagw.Group
}

func (g *groupValue) String() string {
	n := 0
	for range g.g.Gateways() {
		n++
	}
	return fmt.Sprintf("group (gateways: %d)", n)
}

func groupMethods() map[string]glua.LGFunction {
	return map[string]glua.LGFunction{
		"open":        groupOpen,
		"open_all":    groupOpenAll,
		"gateway":     groupGateway,
		"gateways":    groupGateways,
		"remote_exec": groupRemoteExec,
		"shutdown":    groupShutdown,
		"close":       groupClose,
	}
}

// group is g as a Lua value, closed when the script ends.
func (n *near) group(g *luagw.Group) *glua.LUserData {
	n.f.std.AtEnd(func() { g.Close() })
	return n.value("group", &groupValue{n.f, g}, func(mt *glua.LTable) {
		mt.RawSetString("__index", n.f.methods(groupMethods()))
	})
}

// groupOpen is group:open([spec]).
func groupOpen(L *glua.LState) int {
	g := receiver[*groupValue](L, "group:open")
	gw, err := g.g.Open(g.f.ctx, L.OptString(2, ""))
	if err != nil {
		L.RaiseError("%v", err)
	}
	L.Push(g.f.nearSide().gateway(gw))
	return 1
}

// groupOpenAll is group:open_all(specs).
func groupOpenAll(L *glua.LState) int {
	g := receiver[*groupValue](L, "group:open_all")
	list := L.CheckTable(2)
	specs := make([]string, list.Len())
	for i := range specs {
		spec, ok := list.RawGetInt(i + 1).(glua.LString)
		if !ok {
			L.ArgError(2, fmt.Sprintf("spec %d: string expected, got %s", i+1, list.RawGetInt(i+1).Type()))
		}
		specs[i] = string(spec)
	}
	gateways, err := g.g.OpenAll(g.f.ctx, specs...)
	if err != nil {
		L.RaiseError("%v", err)
	}
	L.Push(g.f.nearSide().gatewayList(gateways))
	return 1
}

// groupGateway is group:gateway(id).
func groupGateway(L *glua.LState) int {
	g := receiver[*groupValue](L, "group:gateway")
	gw, ok := g.g.Gateway(L.CheckString(2))
	if !ok {
		L.Push(glua.LNil)
		return 1
	}
	L.Push(g.f.nearSide().gateway(gw))
	return 1
}

// groupGateways is group:gateways().
func groupGateways(L *glua.LState) int {
	g := receiver[*groupValue](L, "group:gateways")
	L.Push(g.f.nearSide().gatewayList(slices.Collect(g.g.Gateways())))
	return 1
}

// groupRemoteExec is group:remote_exec(source, ...). Where the fragment could
// not be sent to all gateways it is cancelled on the others, for the script
// gets no channels.
func groupRemoteExec(L *glua.LState) int {
	g := receiver[*groupValue](L, "group:remote_exec")
	channels, err := g.g.RemoteExec(g.f.ctx, L.CheckString(2), g.f.arguments(L, 3)...)
	if err != nil {
		channels.Close()
		L.RaiseError("group:remote_exec: %v", err)
	}
	L.Push(g.f.nearSide().multiChannel(slices.Collect(channels.Channels())))
	return 1
}

// groupShutdown is group:shutdown([seconds]).
func groupShutdown(L *glua.LState) int {
	g := receiver[*groupValue](L, "group:shutdown")
	ctx, cancel := g.f.within(L, 2)
	defer cancel()
	if err := g.g.Shutdown(ctx); err != nil {
		L.RaiseError("group:shutdown: %v", err)
	}
	return 0
}

// groupClose is group:close().
func groupClose(L *glua.LState) int {
	g := receiver[*groupValue](L, "group:close")
	if err := g.g.Close(); err != nil {
		L.RaiseError("group:close: %v", err)
	}
	return 0
}
