// Package lua runs fragments of Lua 5.1 (gopher-lua) for an agent.
//
// A [Runtime] is a [luagw.Runner]: it compiles a chunk, or finds it compiled,
// gives it a state without a trace of another chunk's, with just the libraries
// that it names, the global channel, and the modules of package std, and runs it
// until it ends or its context does. A program adds modules of its own, written in Go, by
// [Runtime.Modules].
//
// What a fragment can use is described in doc/lua.md.
//
// # Ownership
//
// A Lua state belongs to the goroutine that runs its fragment, and so do all
// values in it. Nothing that a fragment can change is shared between states,
// except what compiled chunks are: read-only.
package lua

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua/std"
	glua "github.com/yuin/gopher-lua"
)

// Module is a library of Go functions for fragments, found by require and as a
// global under its name.
type Module = std.Library

// Runtime runs chunks. The zero value is usable. The fields must not be
// changed once it runs; Run may be called concurrently.
type Runtime struct {
	// Modules are there for every fragment, besides those of package std,
	// which they may replace.
	Modules []Module

	// Stdout gets what fragments print and write to their standard output
	// and error. If nil it goes home, line by line, to Group.Print. It must
	// be safe for concurrent use.
	Stdout io.Writer

	// Limits bound every fragment.
	Limits luagw.Limits

	once   sync.Once
	chunks *chunkCache
	known  map[string]opener // globals by name
	states states

	channelMethods map[string]glua.LGFunction
	memory         *memoryGuard
}

var (
	_ luagw.Runner  = (*Runtime)(nil)
	_ luagw.Limiter = (*Runtime)(nil)
)

func (r *Runtime) init() {
	r.once.Do(func() {
		r.known = globals(r.Modules)
		r.chunks = &chunkCache{known: r.known}
		r.channelMethods = channelMethods()
		r.memory = &memoryGuard{limit: r.Limits.Memory}
	})
}

// Limited returns a Runtime that keeps limits besides those of r.
func (r *Runtime) Limited(limits luagw.Limits) luagw.Runner {
	r.init()
	limited := &Runtime{Modules: r.Modules, Stdout: r.Stdout, Limits: r.Limits.Within(limits)}
	limited.init()
	limited.chunks = r.chunks
	return limited
}

// Run runs a chunk whose channel is ch. Its return values become
// chunk.Results. The error is a [*luagw.RemoteError] with the Lua traceback.
func (r *Runtime) Run(ctx context.Context, chunk *luagw.Chunk, ch *luagw.Channel) error {
	output := r.Stdout
	var lines *lineWriter
	if output == nil {
		lines = &lineWriter{emit: func(line string) error { return ch.Print(ctx, line) }}
		output = lines
	}
	err := r.run(ctx, chunk, ch, output, func(ctx context.Context, name string) (string, error) {
		return ch.Module(ctx, chunk, name)
	})
	if lines != nil {
		lines.flush()
	}
	return err
}

// RunLocal runs a chunk on the near side, without a channel: a script of
// `luagw run`. What it prints goes to output, and require finds modules by
// find, which returns their source. Its errors are those of Run; that of
// os.exit(n), where n is not 0, has n as its Value, an int.
func (r *Runtime) RunLocal(ctx context.Context, chunk *luagw.Chunk, output io.Writer, find func(name string) (string, error)) error {
	return r.run(ctx, chunk, nil, output, func(_ context.Context, name string) (string, error) { return find(name) })
}

// finder finds the source of a module that is not built in.
type finder func(ctx context.Context, name string) (string, error)

func (r *Runtime) run(ctx context.Context, chunk *luagw.Chunk, ch *luagw.Channel, output io.Writer, find finder) (err error) {
	r.init()
	code, err := r.chunks.compile(chunk.Name, chunk.Source)
	if err != nil {
		return &luagw.RemoteError{Message: err.Error()}
	}
	ctx, cancel := r.bounded(ctx)
	defer cancel(nil)
	defer r.memory.watch(cancel)()

	f := newFragment(r, ctx, chunk, ch, output, find)
	defer func() { f.close(err) }()
	results, err := f.call(code)
	if err != nil {
		return f.failure(ctx, err)
	}
	chunk.Results = results
	return nil
}

// bounded is ctx with the limit of time, if there is one.
func (r *Runtime) bounded(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	if r.Limits.Time == 0 {
		return ctx, cancel
	}
	timer := time.AfterFunc(r.Limits.Time, func() {
		cancel(fmt.Errorf("stopped: the fragment ran longer than %v", r.Limits.Time))
	})
	return ctx, func(cause error) {
		timer.Stop()
		cancel(cause)
	}
}

// Check compiles a source and returns what is wrong with it, with name and
// line, without running it.
func Check(name, source string) error {
	_, err := compile(name, source)
	return err
}

// failure makes a fragment's error of a Lua one. The reason of a cancellation
// stands before what the fragment made of it.
func (f *fragment) failure(ctx context.Context, err error) error {
	if remote, ok := errors.AsType[*luagw.RemoteError](err); ok {
		return remote
	}
	apiErr, ok := errors.AsType[*glua.ApiError](err)
	if !ok {
		return &luagw.RemoteError{Message: err.Error()}
	}
	if ctx.Err() != nil {
		return &luagw.RemoteError{Message: context.Cause(ctx).Error(), Traceback: apiErr.StackTrace}
	}
	if code, exited := std.ExitCode(apiErr.Object); exited {
		if code == 0 {
			return nil
		}
		return &luagw.RemoteError{Message: fmt.Sprintf("os.exit(%d)", code), Traceback: apiErr.StackTrace, Value: code}
	}
	return f.remoteError(apiErr)
}

func (f *fragment) remoteError(apiErr *glua.ApiError) *luagw.RemoteError {
	e := &luagw.RemoteError{Message: f.text(apiErr.Object), Traceback: apiErr.StackTrace}
	f.explain(e, apiErr.Object)
	if _, isText := apiErr.Object.(glua.LString); isText || apiErr.Object == nil || apiErr.Object == glua.LNil {
		return e
	}
	// The value leaves with the error, after the state is closed: encode it now.
	if b, err := f.marshal(apiErr.Object); err == nil {
		e.Value = luagw.Raw(b)
	}
	return e
}

// explain adds to an error what is known of it, if it is one that came from
// another fragment and was raised here: that one's traceback and, where the
// value that it raised says nothing of itself, its message.
func (f *fragment) explain(e *luagw.RemoteError, raised glua.LValue) {
	if f.cause == nil {
		return
	}
	if raised == f.causeValue {
		e.Message = f.cause.Error()
	}
	if strings.HasSuffix(e.Message, f.cause.Error()) {
		e.Traceback = f.cause.Traceback + "\n" + e.Traceback
	}
}

// text is tostring(v), or its bare form where __tostring fails.
func (f *fragment) text(v glua.LValue) (s string) {
	if v == nil {
		return "error without a value"
	}
	defer func() {
		if recover() != nil {
			s = v.String()
		}
	}()
	return f.L.ToStringMeta(v).String()
}
