package lua

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/luagw/luagw"
	glua "github.com/yuin/gopher-lua"
)

// multiValue is a MultiChannel in a Lua state.
type multiValue struct {
	f        *fragment
	m        *luagw.MultiChannel
	channels []*luagw.Channel
}

func (m *multiValue) String() string {
	return fmt.Sprintf("multichannel (channels: %d)", len(m.channels))
}

func multiMethods() map[string]glua.LGFunction {
	return map[string]glua.LGFunction{
		"channels":     multiChannels,
		"send_each":    multiSendEach,
		"receive_each": multiReceiveEach,
		"items":        multiItems,
		"wait":         multiWait,
		"results":      multiResults,
		"close":        multiClose,
	}
}

func (n *near) multiChannel(channels []*luagw.Channel) *glua.LUserData {
	m := &multiValue{n.f, luagw.NewMultiChannel(channels...), channels}
	return n.value("multichannel", m, func(mt *glua.LTable) {
		mt.RawSetString("__index", n.f.methods(multiMethods()))
	})
}

// nearMultiChannel is luagw.multichannel(channels).
func nearMultiChannel(L *glua.LState) int {
	list := L.CheckTable(1)
	channels := make([]*luagw.Channel, list.Len())
	for i := range channels {
		ud, _ := list.RawGetInt(i + 1).(*glua.LUserData)
		if ud == nil {
			L.ArgError(1, fmt.Sprintf("item %d is no channel", i+1))
		}
		c, ok := ud.Value.(*channelValue)
		if !ok {
			L.ArgError(1, fmt.Sprintf("item %d is no channel", i+1))
		}
		channels[i] = c.c
	}
	L.Push(fragmentOf(L).nearSide().multiChannel(channels))
	return 1
}

// multiChannels is multichannel:channels().
func multiChannels(L *glua.LState) int {
	m := receiver[*multiValue](L, "multichannel:channels")
	list := L.CreateTable(len(m.channels), 0)
	for _, c := range m.channels {
		list.Append(m.f.channel(c))
	}
	L.Push(list)
	return 1
}

// multiSendEach is multichannel:send_each(item). The item is encoded once, here,
// for the channels send it at the same time and a state belongs to one
// goroutine. So it can hold no channel, which belongs to one gateway anyway.
func multiSendEach(L *glua.LState) int {
	m := receiver[*multiValue](L, "multichannel:send_each")
	if L.GetTop() != 2 {
		L.RaiseError("multichannel:send_each takes one value, got %d", L.GetTop()-1)
	}
	b, err := (&item{f: m.f, v: L.Get(2)}).MarshalItem(nil, nil)
	if err == nil {
		err = m.m.SendEach(m.f.ctx, luagw.Raw(b))
	}
	if err != nil {
		L.RaiseError("multichannel:send_each: %v", err)
	}
	return 0
}

// multiReceiveEach is multichannel:receive_each([seconds]).
func multiReceiveEach(L *glua.LState) int {
	m := receiver[*multiValue](L, "multichannel:receive_each")
	ctx, cancel := m.f.within(L, 2)
	defer cancel()
	items, err := m.m.ReceiveEach(ctx)
	missing, reason, err := m.f.missing(err)
	if err != nil {
		L.RaiseError("multichannel:receive_each: %v", err)
	}
	if reason != "" && missing == len(items) {
		return pushNil(L, reason)
	}
	L.Push(m.f.listFromGo(items))
	if reason == "" {
		return 1
	}
	L.Push(glua.LString(reason))
	return 2
}

// missing tells from the joined error of several channels how many had no item
// because they are closed or because the time was up, and why, and what is left
// of the error.
func (f *fragment) missing(err error) (n int, reason string, rest error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return 0, "", err
	}
	var others []error
	for _, err := range joined.Unwrap() {
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, luagw.ErrClosed):
			n++
			reason = "closed"
		case errors.Is(err, context.DeadlineExceeded) && f.ctx.Err() == nil:
			n++
		default:
			others = append(others, err)
		}
	}
	if n > 0 && reason == "" {
		reason = "timeout"
	}
	return n, reason, errors.Join(others...)
}

// multiWait is multichannel:wait().
func multiWait(L *glua.LState) int {
	m := receiver[*multiValue](L, "multichannel:wait")
	if err := m.m.Wait(m.f.ctx); err != nil {
		L.RaiseError("%v", err)
	}
	return 0
}

// multiResults is multichannel:results().
func multiResults(L *glua.LState) int {
	m := receiver[*multiValue](L, "multichannel:results")
	results, err := m.m.Results(m.f.ctx)
	if err != nil {
		L.RaiseError("%v", err)
	}
	list := L.CreateTable(len(results), 0)
	for _, values := range results {
		list.Append(m.f.listFromGo(values))
	}
	L.Push(list)
	return 1
}

// multiClose is multichannel:close().
func multiClose(L *glua.LState) int {
	receiver[*multiValue](L, "multichannel:close").m.Close()
	return 0
}

// multiItems is multichannel:items(): an iterator that gives the channel first,
// so that nil items do not end it.
func multiItems(L *glua.LState) int {
	m := receiver[*multiValue](L, "multichannel:items")
	walk := &multiWalk{f: m.f, open: slices.Clone(m.channels)}
	L.Push(L.NewFunction(walk.next))
	return 1
}

// multiWalk is one walk over the items of several channels. A channel that
// fails does not keep it from the items of the others: the errors are raised
// when all are done. Between two steps it holds nothing, so that a loop which
// breaks takes no item from who receives next.
type multiWalk struct {
	f    *fragment
	open []*luagw.Channel // not known to be done
	turn int              // index in open of the channel to look at first
	errs []error
}

// ended is the context of a receive that does not wait.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (w *multiWalk) next(L *glua.LState) int {
	for len(w.open) > 0 {
		if c, v := w.poll(); c != nil {
			return w.push(L, c, v)
		}
		if len(w.open) == 0 {
			break
		}
		if c, v := w.wait(L); c != nil {
			return w.push(L, c, w.f.fromGo(v))
		}
	}
	if err := errors.Join(w.errs...); err != nil {
		w.errs = nil
		L.RaiseError("multichannel:items: %v", err)
	}
	L.Push(glua.LNil)
	return 1
}

func (w *multiWalk) push(L *glua.LState, c *luagw.Channel, v glua.LValue) int {
	L.Push(w.f.channel(c))
	L.Push(v)
	return 2
}

// poll takes an item that is there already, from the channels in turn.
func (w *multiWalk) poll() (*luagw.Channel, glua.LValue) {
	for range len(w.open) {
		w.turn %= len(w.open)
		c := w.open[w.turn]
		it := item{f: w.f}
		err := c.ReceiveInto(ended, &it)
		switch {
		case err == nil:
			w.turn++
			return c, it.v
		case errors.Is(err, context.Canceled):
			w.turn++
		default:
			w.drop(c, err)
		}
	}
	return nil, nil
}

// wait waits for the next item of any channel; nil if all are done, or one has
// failed.
func (w *multiWalk) wait(L *glua.LState) (*luagw.Channel, any) {
	for it, err := range luagw.NewMultiChannel(w.open...).Items(w.f.ctx) {
		switch {
		case err == nil:
			return it.Channel, it.Value
		case it.Channel == nil:
			L.RaiseError("multichannel:items: %v", err)
		}
		w.drop(it.Channel, err)
		return nil, nil
	}
	w.open = nil
	return nil, nil
}

// drop takes a channel out that is done, and keeps the reason if it failed.
func (w *multiWalk) drop(c *luagw.Channel, err error) {
	w.open = slices.DeleteFunc(w.open, func(other *luagw.Channel) bool { return other == c })
	if !errors.Is(err, io.EOF) && !errors.Is(err, luagw.ErrClosed) {
		w.errs = append(w.errs, errors.New(named(c.Gateway(), err)))
	}
}
