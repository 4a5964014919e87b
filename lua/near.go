package lua

import (
	"errors"
	"fmt"
	"weak"

	"github.com/luagw/luagw"
	glua "github.com/yuin/gopher-lua"
)

// Near is the module luagw, for scripts on the near side: they open gateways
// and run fragments with the words of the Go API. Each call of its function
// group makes a group by newGroup, which the end of the script closes.
//
// The module does for a script that [Runtime.RunLocal] runs. A Runtime that
// serves as an agent should not have it, unless its fragments are to open
// gateways from where they run.
func Near(newGroup func() *luagw.Group) Module {
	return Module{
		Name: "luagw",
		Funcs: map[string]glua.LGFunction{
			"group": func(L *glua.LState) int {
				L.Push(fragmentOf(L).nearSide().group(newGroup()))
				return 1
			},
			"multichannel": nearMultiChannel,
		},
	}
}

// near is what the module luagw has made in a state.
type near struct {
	f        *fragment
	types    map[string]*glua.LTable                         // metatables by the name of the type
	gateways map[*luagw.Gateway]weak.Pointer[glua.LUserData] // so that a gateway is one value as long as the script has it
	sweepAt  int                                             // when gateways are that many, those that the script has no more are forgotten
}

// nearSide is made with the first group, which channels of the near side come
// from: they have more methods from then on. An agent without the module does
// not link any of it.
func (f *fragment) nearSide() *near {
	n, ok := f.near.(*near)
	if !ok {
		f.addMethods(f.channelType().RawGetString("__index").(*glua.LTable), nearChannelMethods())
		n = &near{f: f, types: map[string]*glua.LTable{}, gateways: map[*luagw.Gateway]weak.Pointer[glua.LUserData]{}}
		f.near = n
	}
	return n
}

// value is a Go value as one of Lua's, of a type that setUp fills when it is
// needed first.
func (n *near) value(typeName string, v fmt.Stringer, setUp func(mt *glua.LTable)) *glua.LUserData {
	mt := n.types[typeName]
	if mt == nil {
		mt = n.f.L.CreateTable(0, 3)
		mt.RawSetString("__tostring", n.f.L.NewFunction(nearString))
		mt.RawSetString("__metatable", glua.LString(typeName))
		setUp(mt)
		n.types[typeName] = mt
	}
	ud := n.f.L.NewUserData()
	ud.Value = v
	ud.Metatable = mt
	return ud
}

// nearString is tostring of all types of the module.
func nearString(L *glua.LState) int {
	L.Push(glua.LString(L.CheckUserData(1).Value.(fmt.Stringer).String()))
	return 1
}

// receiver is the value before the colon of a method, called as in "group:open".
func receiver[T any](L *glua.LState, call string) T {
	if ud, ok := L.Get(1).(*glua.LUserData); ok {
		if v, ok := ud.Value.(T); ok {
			return v
		}
	}
	L.RaiseError("use %s(...), with a colon", call)
	panic("lua: internal error: RaiseError returned")
}

// arguments are the values from i on, for a fragment. They are encoded here and
// once, however many gateways they go to, except those that hold a channel: how
// it is written depends on where it goes.
func (f *fragment) arguments(L *glua.LState, i int) []any {
	args := make([]any, 0, max(0, L.GetTop()-i+1))
	for n := 1; i <= L.GetTop(); i, n = i+1, n+1 {
		it := &item{f: f, v: L.Get(i), path: fmt.Sprintf("argument %d", n)}
		b, err := it.MarshalItem(nil, nil)
		switch refused, _ := errors.AsType[*luagw.ValueError](err); {
		case err == nil:
			args = append(args, luagw.Raw(b))
		case refused.Type == "channel":
			args = append(args, &item{f: f, v: it.v})
		default:
			L.RaiseError("%v", err)
		}
	}
	return args
}
