package lua

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua/std"
	glua "github.com/yuin/gopher-lua"
)

const (
	// registrySize is what a state's stack of values starts with. It grows,
	// for a default one overflows at table.concat of 2,600 items.
	registrySize     = 256
	registryGrowStep = 8 << 10
	registryMaxSize  = 1 << 20

	// maxCalls is how deep calls may nest: Lua's own limit is 20,000 (LUAI_MAXCALLS), but gopher-lua takes a
	// word of each state for every eight.
	maxCalls = 8_000
)

// fragment is one chunk being run, and its state.
type fragment struct {
	runtime *Runtime
	L       *glua.LState // of state
	state   *state
	began   time.Time
	std     *std.Fragment
	ctx     context.Context // ends when the fragment is cancelled; carries std
	cancel  *interrupt
	chunk   *luagw.Chunk
	find    finder

	unsent   atomic.Pointer[channelValue]       // the channel which may hold back what was sent last
	home     *luagw.Channel                     // the global channel; nil on the near side
	channels map[*luagw.Channel]*glua.LUserData // so that a channel is one value
	sweepAt  int                                // when channels are that many, those that have ended are forgotten
	near     any                                // a *near, nil until needed; were it one, agents would contain Gateway

	cause      *luagw.RemoteError // the last error of another fragment that was raised here
	causeValue glua.LValue        // as which it was raised; nil if as its text

	protected int // calls of pcall and xpcall in progress
	resumed   int // coroutines that were resumed and have not yielded

	opened  map[string]bool // globals that were set
	all     bool            // all were
	loaded  *glua.LTable    // package.loaded; nil until needed
	preload *glua.LTable    // package.preload; nil until needed
	strings *glua.LTable    // the string library; nil until needed
}

func newFragment(r *Runtime, ctx context.Context, chunk *luagw.Chunk, ch *luagw.Channel, output io.Writer, find finder) *fragment {
	f := &fragment{runtime: r, chunk: chunk, find: find}
	f.std = std.NewFragment(ctx, output)
	f.ctx = f.std.Context()
	f.cancel = newInterrupt(f.ctx)
	f.std.OnWait(f.flush)
	f.state, f.began = r.states.take(), time.Now()
	f.L = f.state.L
	f.std.Lend(f.L, f)
	f.home = ch
	return f
}

// fragmentOf is the fragment which runs in L.
func fragmentOf(L *glua.LState) *fragment { return std.Owner(L).(*fragment) }

// function is a chunk as a function of L, the fragment's state or a thread of it.
func (f *fragment) function(L *glua.LState, code *compiled) *glua.LFunction {
	f.open(code)
	return L.NewFunctionFromProto(f.cancel.own(code.proto))
}

// flush sends what a channel holds back. It may be called concurrently.
func (f *fragment) flush() {
	if c := f.unsent.Swap(nil); c != nil {
		c.c.Flush(f.ctx) // an error is the channel's end, which its next use tells
	}
}

// close ends what the fragment's modules have started, and its channels, with
// the error that it ended with.
func (f *fragment) close(err error) {
	f.cancel.stop()
	f.std.End()
	if err == nil && f.isUnchanged() {
		f.runtime.states.giveBack(f.state)
	} else {
		f.L.Close()
	}
	for c := range f.channels {
		f.release(c, err)
	}
}

// isUnchanged says whether the fragment has left no trace in its state that the
// next one could find: it had no means to reach what is hidden, and no coroutine
// is left.
func (f *fragment) isUnchanged() bool {
	return !f.all && !f.opened["coroutine"] && time.Since(f.began) < brief
}

// hold has a channel end with the last fragment that has it. Scripts on the
// near side end theirs with the gateway.
func (f *fragment) hold(c *luagw.Channel) {
	if f.home != nil && c != f.home {
		c.Hold()
	}
}

func (f *fragment) release(c *luagw.Channel, err error) {
	if f.home != nil && c != f.home {
		c.Release(err)
	}
}

// call runs a compiled chunk with the fragment's arguments. A panic that gets
// out of gopher-lua's protected call (as one does when the machine has run past
// the end of its code) is the fragment's error, too.
func (f *fragment) call(code *compiled) (results []any, err error) {
	defer func() {
		r := recover()
		if cause := f.cancel.err(); r != nil && cause != nil {
			err = &luagw.RemoteError{Message: cause.Error()}
		} else if r != nil {
			err = &luagw.RemoteError{
				Message:   fmt.Sprintf("%s: the Lua machine failed: %v", f.chunk.Name, r),
				Traceback: string(debug.Stack()),
			}
		}
	}()
	f.L.Push(f.function(f.L, code))
	for _, arg := range f.chunk.Args {
		f.L.Push(f.fromGo(arg))
	}
	if err := f.L.PCall(len(f.chunk.Args), glua.MultRet, nil); err != nil {
		return nil, err
	}
	return f.results()
}

// results encodes what the chunk returned, for the state is closed when it is
// sent.
func (f *fragment) results() ([]any, error) {
	n := f.L.GetTop()
	if n == 0 {
		return nil, nil
	}
	results := make([]any, n)
	for i := range results {
		b, err := f.marshalAt(f.L.Get(i+1), i)
		if err != nil {
			return nil, err
		}
		results[i] = luagw.Raw(b)
	}
	return results, nil
}
