// Package std holds the modules that every fragment finds built in: fs,
// process, host, json, time, path, hash, text and log, one file each.
//
// A module is a [Library]: named Go functions which check their arguments,
// call Go, and push results. World conditions (a file that is not there, a
// command that fails to start) return nil and a message; mistakes in the call
// raise. What a module needs of the fragment that it serves (its context,
// where its output goes, what to do when it ends) it asks of [Of].
package std

import (
	"context"
	"io"
	"os"
	"sync"

	glua "github.com/yuin/gopher-lua"
)

// Library is one module of functions for fragments.
type Library struct {
	Name  string
	Funcs map[string]glua.LGFunction

	// Setup adds what is not a function: fields, sub-tables, a metatable.
	// It runs once in each state that opens the module. May be nil.
	Setup func(L *glua.LState, module *glua.LTable)
}

// Open builds the module's table in L.
func (lib Library) Open(L *glua.LState) *glua.LTable {
	table := L.CreateTable(0, len(lib.Funcs))
	for name, fn := range lib.Funcs {
		table.RawSetString(name, L.NewFunction(fn))
	}
	if lib.Setup != nil {
		lib.Setup(L, table)
	}
	return table
}

// Fragment is what the runtime lends to the modules of one running fragment.
// Its methods may be called concurrently.
type Fragment struct {
	ctx    context.Context
	output io.Writer
	onWait func()
	owner  any

	mu   sync.Mutex // guards ends
	ends []func()
}

type fragmentKey struct{}

// NewFragment returns the fragment whose modules stop when ctx ends and whose
// output goes to output, which must be safe for concurrent use.
func NewFragment(ctx context.Context, output io.Writer) *Fragment {
	f := &Fragment{output: output}
	f.ctx = context.WithValue(ctx, fragmentKey{}, f)
	return f
}

// slot is where the registry of a state has the fragment that it is lent to.
const slot = 1

// Lend makes f the fragment that runs in L and all its threads. Owner returns
// owner.
func (f *Fragment) Lend(L *glua.LState, owner any) {
	f.owner = owner
	L.G.Registry.RawSetInt(slot, &glua.LUserData{Value: f})
}

// Owner is what the fragment that runs in L was lent with.
func Owner(L *glua.LState) any { return lent(L).owner }

// lent is the fragment that L is lent to; nil if it is to none.
func lent(L *glua.LState) *Fragment {
	if data, ok := L.G.Registry.RawGetInt(slot).(*glua.LUserData); ok {
		return data.Value.(*Fragment)
	}
	return nil
}

// Of returns the fragment that runs in L: the one that L is lent to, or whose
// context it carries. A state without one has a fragment which is never cancelled
// and prints to standard error.
func Of(L *glua.LState) *Fragment {
	if f := lent(L); f != nil {
		return f
	}
	if ctx := L.Context(); ctx != nil {
		if f, ok := ctx.Value(fragmentKey{}).(*Fragment); ok {
			return f
		}
	}
	return NewFragment(context.Background(), os.Stderr)
}

// Context ends when the fragment is cancelled. Whatever may block asks for it
// before it does, and waits on it: what the fragment has sent leaves then.
func (f *Fragment) Context() context.Context {
	if f.onWait != nil {
		f.onWait()
	}
	return f.ctx
}

// OnWait has fn called before anything that may block. It must be set before
// the fragment runs, may be called concurrently, and must not block.
func (f *Fragment) OnWait(fn func()) { f.onWait = fn }

// Output takes bytes home as print does, line by line.
func (f *Fragment) Output() io.Writer { return f.output }

// AtEnd has fn run when the fragment has ended, last one first.
func (f *Fragment) AtEnd(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ends = append(f.ends, fn)
}

// End runs what AtEnd gathered. The runtime calls it once, after the fragment.
func (f *Fragment) End() {
	f.mu.Lock()
	ends := f.ends
	f.ends = nil
	f.mu.Unlock()
	for i := len(ends) - 1; i >= 0; i-- {
		ends[i]()
	}
}

// fail pushes nil and err's text: how a world condition is reported.
func fail(L *glua.LState, err error) int {
	L.Push(glua.LNil)
	L.Push(glua.LString(err.Error()))
	return 2
}
