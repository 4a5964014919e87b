package lua

import (
	"sync"
	"time"

	glua "github.com/yuin/gopher-lua"
)

// state is a Lua state, which is one fragment's at a time. What a fragment can
// change in it, by whatever means, is made anew for the next one; a state in
// which it could change more is not used again. To make one takes a good part of
// the time that a small fragment does.
type state struct {
	L         *glua.LState
	channelMT *glua.LTable // metatable of channels; nil until needed
}

// states are those that no fragment has. They are garbage like any other.
type states struct{ pool sync.Pool }

// brief is how long a fragment may have run whose state is used again: the state
// of a longer one may hold on to much memory, and a new one costs it nothing.
const brief = 5 * time.Millisecond

// basic are values of the types whose metatables are a state's.
var basic = []glua.LValue{glua.LString(""), glua.LNumber(0), glua.LTrue, glua.LNil, &glua.LFunction{}}

// take returns a state as good as new.
func (s *states) take() *state {
	if st, ok := s.pool.Get().(*state); ok {
		return st
	}
	return newState()
}

// giveBack takes a state back from a fragment that has ended as it should: at
// the bottom of the stack.
func (s *states) giveBack(st *state) {
	L := st.L
	L.SetTop(registrySize - 1) // clears what was on the stack
	L.SetTop(0)
	L.G.Global, L.G.Registry = L.CreateTable(0, 8), L.CreateTable(1, 0)
	L.Env = L.G.Global
	for _, v := range basic {
		if L.GetMetatable(v) != glua.LNil {
			L.SetMetatable(v, glua.LNil)
		}
	}
	s.pool.Put(st)
}

func newState() *state {
	return &state{L: glua.NewState(glua.Options{
		SkipOpenLibs:        true,
		CallStackSize:       maxCalls,
		MinimizeStackMemory: true,
		RegistrySize:        registrySize,
		RegistryGrowStep:    registryGrowStep,
		RegistryMaxSize:     registryMaxSize,
	})}
}
