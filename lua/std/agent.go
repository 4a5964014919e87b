package std

import (
	"fmt"
	"net/netip"

	"github.com/luagw/luagw/internal/allow"
	glua "github.com/yuin/gopher-lua"
)

func agentLibrary() Library {
	return Library{Name: "agent", Funcs: map[string]glua.LGFunction{"listen": agentListen}}
}

// agentListen is agent.listen([options]).
func agentListen(L *glua.LState) int {
	o := checkOptions(L, 1, "address", "path", "connections")
	f := Of(L)
	var l *agentListener
	var spec string
	var err error
	path := o.string("path", "")
	if err := permittedListen(path); err != nil {
		return fail(L, err)
	}
	switch {
	case path == "":
		l, spec, err = listenTCP(o.string("address", "127.0.0.1:0"), o.int("connections", 1, 1))
	case o.get("address") != glua.LNil || o.get("connections") != glua.LNil:
		L.ArgError(1, "path stands alone: a socket has no address, and takes connections until it is closed")
	default:
		l, spec, err = listenPath(path)
	}
	if err != nil {
		return fail(L, err)
	}
	f.AtEnd(l.close)
	listener := L.CreateTable(0, 2)
	listener.RawSetString("spec", glua.LString(spec))
	listener.RawSetString("close", L.NewFunction(func(*glua.LState) int {
		l.close()
		return 0
	}))
	L.Push(listener)
	return 1
}

// permittedListen checks whether a fragment may listen, at a path if there is one.
func permittedListen(path string) error {
	if err := allow.Here().Check(allow.Listen, ""); err != nil {
		return fmt.Errorf("agent.listen: %w", err)
	}
	if path == "" {
		return nil
	}
	return permitted(allow.Write, path)
}

// loopback parses an address that nobody but this host can reach.
func loopback(text string) (netip.AddrPort, error) {
	at, err := netip.ParseAddrPort(text)
	if err != nil {
		return at, fmt.Errorf("%q is no address and port, such as 127.0.0.1:0", text)
	}
	if !at.Addr().IsLoopback() {
		return at, fmt.Errorf("%s can be reached by others, and there is no encryption: an agent listens at loopback addresses only", text)
	}
	return at, nil
}
