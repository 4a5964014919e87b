package lua

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"weak"

	glua "github.com/yuin/gopher-lua"
)

// noInstruction is none that gopher-lua's machine has: it panics there, within
// the protected call.
const noInstruction = ^uint32(0)

// interrupt stops the machine when the fragment is cancelled. The machine could
// look at a context before each instruction, which takes up to a fifth of its
// time. It runs without one, and the fragment has a copy of its own of all code
// that it runs, in which no instruction is left once it is cancelled. (So Java's
// machines stop threads at a page that cannot be read any more.)
//
// Whoever waits waits on the fragment's context instead.
type interrupt struct {
	ctx      context.Context
	stop     func() bool
	happened atomic.Bool

	mu      sync.Mutex                         // guards the following
	chunk   *glua.FunctionProto                // what the fragment runs; nil before
	loaded  []weak.Pointer[glua.FunctionProto] // what it has loaded, as long as it may run that
	sweepAt int                                // when loaded are that many, those that are gone are forgotten
}

func newInterrupt(ctx context.Context) *interrupt {
	i := &interrupt{ctx: ctx}
	i.stop = context.AfterFunc(ctx, i.happen)
	return i
}

// err is the reason of the cancellation; nil before.
func (i *interrupt) err() error {
	if i.happened.Load() {
		return context.Cause(i.ctx)
	}
	return nil
}

func (i *interrupt) happen() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.happened.Store(true)
	if i.chunk != nil {
		erase(i.chunk)
	}
	for _, proto := range i.loaded {
		if p := proto.Value(); p != nil {
			erase(p)
		}
	}
}

// own returns a copy of a chunk's code for the fragment. The first is the
// fragment's own.
func (i *interrupt) own(proto *glua.FunctionProto) *glua.FunctionProto {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.chunk == nil {
		i.chunk = i.copyLocked(proto, false)
		return i.chunk
	}
	if len(i.loaded) >= i.sweepAt {
		i.loaded = slices.DeleteFunc(i.loaded, func(p weak.Pointer[glua.FunctionProto]) bool { return p.Value() == nil })
		i.sweepAt = max(64, 2*len(i.loaded))
	}
	return i.copyLocked(proto, true)
}

// copyLocked copies a function and those in it. Of what was loaded each may be
// all that is left of it.
func (i *interrupt) copyLocked(proto *glua.FunctionProto, loaded bool) *glua.FunctionProto {
	own := *proto
	own.Code = slices.Clone(proto.Code)
	own.FunctionPrototypes = slices.Clone(proto.FunctionPrototypes)
	for n, inner := range own.FunctionPrototypes {
		own.FunctionPrototypes[n] = i.copyLocked(inner, loaded)
	}
	if i.happened.Load() {
		eraseCode(own.Code)
	}
	if loaded {
		i.loaded = append(i.loaded, weak.Make(&own))
	}
	return &own
}

// erase leaves no instruction in a function and those in it.
func erase(proto *glua.FunctionProto) {
	eraseCode(proto.Code)
	for _, inner := range proto.FunctionPrototypes {
		erase(inner)
	}
}

// eraseCode writes what the machine may be reading: by Go's memory model it finds
// in each word what was there, or what is written.
//
//go:norace
func eraseCode(code []uint32) {
	for n := range code {
		code[n] = noInstruction
	}
}
