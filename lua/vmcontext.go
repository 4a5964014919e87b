package lua

import (
	"context"
	"sync/atomic"
)

// vmContext is the context that a Lua state looks at before each instruction.
// The machine selects on Done, which costs nothing while Done is nil; so it is
// nil until the fragment is cancelled. (With an ordinary cancellable context a
// loop takes 1.6 times as long.)
//
// Whoever waits must therefore not wait on this context but on the fragment's,
// which it wraps.
type vmContext struct {
	context.Context
	cancelled atomic.Bool
	stop      func() bool
}

// closed is what Done returns after the cancellation.
var closed = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func newVMContext(ctx context.Context) *vmContext {
	c := &vmContext{Context: ctx}
	c.stop = context.AfterFunc(ctx, func() { c.cancelled.Store(true) })
	return c
}

func (c *vmContext) Done() <-chan struct{} {
	if c.cancelled.Load() {
		return closed
	}
	return nil
}

// Err is the reason of the cancellation: the machine raises its text.
func (c *vmContext) Err() error {
	if c.cancelled.Load() {
		return context.Cause(c.Context)
	}
	return nil
}
