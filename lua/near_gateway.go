package lua

import (
	"io/fs"
	"maps"
	"os"
	"weak"

	"github.com/luagw/luagw"
	glua "github.com/yuin/gopher-lua"
)

// gatewayValue is a gateway in a Lua state.
type gatewayValue struct {
	f  *fragment
	gw *luagw.Gateway
}

func (g *gatewayValue) String() string { return "gateway " + g.gw.ID() }

func gatewayMethods() map[string]glua.LGFunction {
	return map[string]glua.LGFunction{
		"remote_exec":      gatewayRemoteExec,
		"remote_exec_file": gatewayRemoteExecFile,
		"call":             gatewayCall,
		"new_channel":      gatewayNewChannel,
		"status":           gatewayStatus,
		"shutdown":         gatewayShutdown,
		"close":            gatewayClose,
	}
}

// gateway is gw as a Lua value: always the same one.
func (n *near) gateway(gw *luagw.Gateway) *glua.LUserData {
	if ud := n.gateways[gw].Value(); ud != nil {
		return ud
	}
	if len(n.gateways) >= n.sweepAt {
		maps.DeleteFunc(n.gateways, func(_ *luagw.Gateway, ud weak.Pointer[glua.LUserData]) bool { return ud.Value() == nil })
		n.sweepAt = 64 + 2*len(n.gateways)
	}
	ud := n.value("gateway", &gatewayValue{n.f, gw}, func(mt *glua.LTable) {
		methods := n.f.methods(gatewayMethods())
		mt.RawSetString("__index", n.f.L.NewFunction(func(L *glua.LState) int {
			return gatewayIndex(L, methods)
		}))
	})
	n.gateways[gw] = weak.Make(ud)
	return ud
}

func (n *near) gatewayList(gateways []*luagw.Gateway) *glua.LTable {
	list := n.f.L.CreateTable(len(gateways), 0)
	for _, gw := range gateways {
		list.Append(n.gateway(gw))
	}
	return list
}

// gatewayIndex finds fields and methods.
func gatewayIndex(L *glua.LState, methods *glua.LTable) int {
	g := receiver[*gatewayValue](L, "gateway:__index")
	switch name := L.Get(2); name {
	case glua.LString("id"):
		L.Push(glua.LString(g.gw.ID()))
	case glua.LString("info"):
		L.Push(g.info())
	default:
		L.Push(L.GetField(methods, name.String()))
	}
	return 1
}

func (g *gatewayValue) info() glua.LValue {
	info := g.gw.Info()
	return g.f.fromGo(map[string]any{
		"os": info.OS, "arch": info.Arch, "hostname": info.Hostname, "user": info.User,
		"dir": info.Dir, "version": info.Version, "pid": int64(info.PID),
	})
}

// gatewayRemoteExec is gateway:remote_exec(source, ...).
func gatewayRemoteExec(L *glua.LState) int {
	g := receiver[*gatewayValue](L, "gateway:remote_exec")
	c, err := g.gw.RemoteExec(g.f.ctx, L.CheckString(2), g.f.arguments(L, 3)...)
	return g.pushChannel(L, "gateway:remote_exec", c, err)
}

// hostFiles opens files by the paths of this system, which fs.FS's own names
// are not: tracebacks show a fragment's file as the script has it.
type hostFiles struct{}

func (hostFiles) Open(path string) (fs.File, error) { return os.Open(path) }

// gatewayRemoteExecFile is gateway:remote_exec_file(path, ...).
func gatewayRemoteExecFile(L *glua.LState) int {
	g := receiver[*gatewayValue](L, "gateway:remote_exec_file")
	c, err := g.gw.RemoteExecFile(g.f.ctx, hostFiles{}, L.CheckString(2), g.f.arguments(L, 3)...)
	return g.pushChannel(L, "gateway:remote_exec_file", c, err)
}

func (g *gatewayValue) pushChannel(L *glua.LState, call string, c *luagw.Channel, err error) int {
	if err != nil {
		g.f.raise(L, call, g.gw, err)
	}
	L.Push(g.f.channel(c))
	return 1
}

// gatewayCall is gateway:call(source, ...).
func gatewayCall(L *glua.LState) int {
	g := receiver[*gatewayValue](L, "gateway:call")
	results, err := g.gw.Call(g.f.ctx, L.CheckString(2), g.f.arguments(L, 3)...)
	if err != nil {
		g.f.raise(L, "gateway:call", g.gw, err)
	}
	return g.f.pushAll(L, results)
}

// pushAll pushes decoded values.
func (f *fragment) pushAll(L *glua.LState, values []any) int {
	for _, v := range values {
		L.Push(f.fromGo(v))
	}
	return len(values)
}

// gatewayNewChannel is gateway:new_channel().
func gatewayNewChannel(L *glua.LState) int {
	g := receiver[*gatewayValue](L, "gateway:new_channel")
	c, err := g.gw.NewChannel(g.f.ctx)
	return g.pushChannel(L, "gateway:new_channel", c, err)
}

// gatewayStatus is gateway:status().
func gatewayStatus(L *glua.LState) int {
	g := receiver[*gatewayValue](L, "gateway:status")
	st, err := g.gw.Status(g.f.ctx)
	if err != nil {
		g.f.raise(L, "gateway:status", g.gw, err)
	}
	L.Push(g.f.fromGo(st))
	return 1
}

// gatewayShutdown is gateway:shutdown([seconds]).
func gatewayShutdown(L *glua.LState) int {
	g := receiver[*gatewayValue](L, "gateway:shutdown")
	ctx, cancel := g.f.within(L, 2)
	defer cancel()
	if err := g.gw.Shutdown(ctx); err != nil {
		g.f.raise(L, "gateway:shutdown", g.gw, err)
	}
	return 0
}

// gatewayClose is gateway:close().
func gatewayClose(L *glua.LState) int {
	receiver[*gatewayValue](L, "gateway:close").gw.Close()
	return 0
}
