package lua

import (
	"sync/atomic"

	glua "github.com/yuin/gopher-lua"
)

// spareState is a fresh state for the next fragment, made when the last one has
// ended and nobody waits: to make one takes a good part of the time that a small
// fragment does.
type spareState struct {
	ready  atomic.Pointer[glua.LState]
	making atomic.Bool
}

// take returns a state of its own for a fragment.
func (s *spareState) take() *glua.LState {
	if L := s.ready.Swap(nil); L != nil {
		return L
	}
	return newState()
}

// refill makes a state on a goroutine that ends with that, if there is none. What
// the fragment has to say leaves first.
func (s *spareState) refill() {
	if s.ready.Load() != nil || s.making.Swap(true) {
		return
	}
	go func() {
		s.ready.Store(newState())
		s.making.Store(false)
	}()
}

func newState() *glua.LState {
	return glua.NewState(glua.Options{
		SkipOpenLibs:        true,
		CallStackSize:       maxCalls,
		MinimizeStackMemory: true,
		RegistrySize:        registrySize,
		RegistryGrowStep:    registryGrowStep,
		RegistryMaxSize:     registryMaxSize,
	})
}
