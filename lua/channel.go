package lua

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/luagw/luagw"
	glua "github.com/yuin/gopher-lua"
)

// channelValue is a channel in a Lua state.
type channelValue struct {
	f  *fragment
	c  *luagw.Channel
	it item // reused by send and receive, which run one at a time
}

// channelMethods are what a channel can do.
func channelMethods() map[string]glua.LGFunction {
	return map[string]glua.LGFunction{
		"send":        channelSend,
		"receive":     channelReceive,
		"items":       channelItems,
		"close":       channelClose,
		"close_write": channelCloseWrite,
		"isclosed":    channelIsClosed,
		"waitclose":   channelWaitClose,
		"new_channel": channelNew,
	}
}

// channel is c as a Lua value: always the same one, unless it has ended.
func (f *fragment) channel(c *luagw.Channel) *glua.LUserData {
	if ud := f.channels[c]; ud != nil {
		return ud
	}
	if f.channels == nil {
		f.channels = map[*luagw.Channel]*glua.LUserData{}
	}
	if len(f.channels) >= f.sweepAt { // a fragment may use many, one after the other
		for c := range f.channels {
			if c.Ended() {
				delete(f.channels, c)
			}
		}
		f.sweepAt = 64 + 2*len(f.channels)
	}
	value := &channelValue{f: f, c: c}
	value.it.f = f
	ud := f.L.NewUserData()
	ud.Value = value
	ud.Metatable = f.channelType()
	f.channels[c] = ud
	f.hold(c)
	return ud
}

// channelType is the metatable of channels: methods, and being called, which
// is what `for item in channel` does.
func (f *fragment) channelType() *glua.LTable {
	if f.state.channelMT != nil {
		return f.state.channelMT
	}
	mt := f.L.CreateTable(0, 4)
	mt.RawSetString("__index", f.methods(f.runtime.channelMethods))
	mt.RawSetString("__call", f.kept(channelNext))
	mt.RawSetString("__tostring", f.kept(channelString))
	mt.RawSetString("__metatable", glua.LString("channel"))
	f.state.channelMT = mt
	return mt
}

// kept is a function that remains in the state: it has no environment that would
// keep the fragment's.
func (f *fragment) kept(fn glua.LGFunction) *glua.LFunction {
	made := f.L.NewFunction(fn)
	made.Env = f.L.CreateTable(0, 0)
	return made
}

// methods is a table of functions. Each is made when it is first looked up, for
// most fragments use one or two.
func (f *fragment) methods(fns map[string]glua.LGFunction) *glua.LTable {
	table, lookUp := f.L.CreateTable(0, 8), f.L.CreateTable(0, 1)
	lookUp.RawSetString("__index", f.kept(func(L *glua.LState) int {
		name, _ := L.Get(2).(glua.LString)
		fn := fns[string(name)]
		if fn == nil {
			return 0
		}
		method := L.NewFunction(fn) // in the environment of this function
		table.RawSetString(string(name), method)
		L.Push(method)
		return 1
	}))
	table.Metatable = lookUp
	return table
}

func (f *fragment) addMethods(table *glua.LTable, fns map[string]glua.LGFunction) {
	for name, fn := range fns {
		table.RawSetString(name, f.L.NewFunction(fn))
	}
}

// checkChannel is the channel before the colon.
func checkChannel(L *glua.LState, method string) *channelValue {
	if ud, ok := L.Get(1).(*glua.LUserData); ok {
		if c, ok := ud.Value.(*channelValue); ok {
			return c
		}
	}
	L.RaiseError("use channel:%s(...), with a colon", method)
	return nil
}

// channelSend is channel:send(value).
func channelSend(L *glua.LState) int {
	c := checkChannel(L, "send")
	if L.GetTop() != 2 {
		L.RaiseError("channel:send takes one value, got %d", L.GetTop()-1)
	}
	if last := c.f.unsent.Load(); last != c {
		c.f.flush()
		c.f.unsent.Store(c)
	}
	c.it.v = L.Get(2)
	err := c.c.Post(c.f.ctx, &c.it)
	c.it.v = nil
	if err != nil {
		L.RaiseError("channel:send: %s", named(c.c.Gateway(), err))
	}
	return 0
}

// receive receives one item, at most until ctx ends.
func (c *channelValue) receive(ctx context.Context) (glua.LValue, error) {
	if c.f.unsent.Load() != c {
		c.f.flush()
	}
	if err := c.c.ReceiveInto(ctx, &c.it); err != nil {
		return nil, err
	}
	v := c.it.v
	c.it.v = nil
	return v, nil
}

// channelReceive is channel:receive([seconds]).
func channelReceive(L *glua.LState) int {
	c := checkChannel(L, "receive")
	ctx, cancel := c.f.within(L, 2)
	defer cancel()
	v, err := c.receive(ctx)
	switch {
	case err == nil:
		L.Push(v)
		return 1
	case errors.Is(err, io.EOF) || errors.Is(err, luagw.ErrClosed):
		return pushNil(L, "closed")
	case errors.Is(err, context.DeadlineExceeded) && c.f.ctx.Err() == nil:
		return pushNil(L, "timeout")
	}
	c.raise(L, "receive", err)
	return 0
}

// within is the fragment's context, bounded by the seconds in argument i.
func (f *fragment) within(L *glua.LState, i int) (context.Context, context.CancelFunc) {
	if L.Get(i) == glua.LNil {
		return f.ctx, func() {}
	}
	seconds := float64(L.CheckNumber(i))
	if !(seconds >= 0) {
		L.ArgError(i, "seconds must not be negative")
	}
	const longest = 1e9 // some thirty years: what a Duration can hold
	return context.WithTimeout(f.ctx, time.Duration(min(seconds, longest)*float64(time.Second)))
}

func pushNil(L *glua.LState, reason string) int {
	L.Push(glua.LNil)
	L.Push(glua.LString(reason))
	return 2
}

// raise raises an error of the other side's, with its value if it has one.
func (c *channelValue) raise(L *glua.LState, method string, err error) {
	c.f.raise(L, "channel:"+method, c.c.Gateway(), err)
}

// raise raises the error of a call on what belongs to gw, which is nil on the
// far side. One that a fragment raised is raised again, with its value if it
// has one; others tell the call.
func (f *fragment) raise(L *glua.LState, call string, gw *luagw.Gateway, err error) {
	remote, ok := errors.AsType[*luagw.RemoteError](err)
	if !ok {
		L.RaiseError("%s: %s", call, named(gw, err))
	}
	f.cause, f.causeValue = remote, nil
	if remote.Value != nil {
		f.causeValue = f.fromGo(remote.Value)
		L.Error(f.causeValue, 1)
	}
	L.RaiseError("%s", remote.Error())
}

// named is an error's text, with the gateway's id unless it tells it itself.
func named(gw *luagw.Gateway, err error) string {
	if gw == nil {
		return err.Error()
	}
	if _, ok := errors.AsType[*luagw.RemoteError](err); ok {
		return err.Error()
	}
	if _, ok := errors.AsType[*luagw.GatewayLostError](err); ok {
		return err.Error()
	}
	return gw.ID() + ": " + err.Error()
}

// channelNext is what `for item in channel` calls. A nil would end the loop as
// if the channel were closed, so it is an error.
func channelNext(L *glua.LState) int {
	c := checkChannel(L, "receive")
	v, err := c.receive(c.f.ctx)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, luagw.ErrClosed):
		L.Push(glua.LNil)
		return 1
	case err != nil:
		c.raise(L, "receive", err)
	case v == glua.LNil:
		L.RaiseError("an item is nil, which would end the loop: use for i, item in channel:items()")
	}
	L.Push(v)
	return 1
}

// channelItems is channel:items(): an iterator that gives an index first, so
// that nil items do not end it.
func channelItems(L *glua.LState) int {
	c := checkChannel(L, "items")
	n := 0
	L.Push(L.NewFunction(func(L *glua.LState) int {
		v, err := c.receive(c.f.ctx)
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, luagw.ErrClosed):
			L.Push(glua.LNil)
			return 1
		case err != nil:
			c.raise(L, "items", err)
		}
		n++
		L.Push(glua.LNumber(n))
		L.Push(v)
		return 2
	}))
	return 1
}

// channelClose is channel:close([err]).
func channelClose(L *glua.LState) int {
	c := checkChannel(L, "close")
	reason := L.Get(2)
	if reason == glua.LNil {
		c.c.Close()
		return 0
	}
	remote := &luagw.RemoteError{Message: c.f.text(reason)}
	if _, isText := reason.(glua.LString); !isText {
		b, err := (&item{f: c.f, v: reason}).MarshalItem(nil, c.c)
		if err != nil {
			L.RaiseError("channel:close: %v", err)
		}
		remote.Value = luagw.Raw(b)
	}
	c.c.CloseWithError(remote)
	return 0
}

// channelCloseWrite is channel:close_write().
func channelCloseWrite(L *glua.LState) int {
	checkChannel(L, "close_write").c.CloseWrite()
	return 0
}

// channelIsClosed is channel:isclosed(): whether the other side is done. Items
// may still be there.
func channelIsClosed(L *glua.LState) int {
	c := checkChannel(L, "isclosed")
	select {
	case <-c.c.Done():
		L.Push(glua.LTrue)
	default:
		L.Push(glua.LFalse)
	}
	return 1
}

// channelWaitClose is channel:waitclose([seconds]): true when the other side is
// done, or nil and "timeout".
func channelWaitClose(L *glua.LState) int {
	c := checkChannel(L, "waitclose")
	ctx, cancel := c.f.within(L, 2)
	defer cancel()
	c.f.flush()
	err := c.c.Wait(ctx)
	switch {
	case err == nil || errors.Is(err, luagw.ErrClosed):
		L.Push(glua.LTrue)
		return 1
	case errors.Is(err, context.DeadlineExceeded) && c.f.ctx.Err() == nil:
		return pushNil(L, "timeout")
	}
	c.raise(L, "waitclose", err)
	return 0
}

// channelNew is channel:new_channel(): a channel to be sent as a value.
func channelNew(L *glua.LState) int {
	c := checkChannel(L, "new_channel")
	fresh, err := c.c.NewChannel(c.f.ctx)
	if err != nil {
		L.RaiseError("channel:new_channel: %s", named(c.c.Gateway(), err))
	}
	L.Push(c.f.channel(fresh))
	return 1
}

func channelString(L *glua.LState) int {
	c := checkChannel(L, "__tostring")
	state := "open"
	select {
	case <-c.c.Done():
		state = "closed"
	default:
	}
	L.Push(glua.LString(fmt.Sprintf("channel (%s): %p", state, c.c)))
	return 1
}
