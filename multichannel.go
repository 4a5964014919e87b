package luagw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
)

// MultiChannel is several channels as one, usually those of one fragment on
// every gateway of a group. Its methods may be called concurrently.
type MultiChannel struct {
	channels []*Channel
}

// Item is a received item and the channel on which it came.
type Item struct {
	Channel *Channel
	Value   any
}

// NewMultiChannel gathers channels. They keep their order.
func NewMultiChannel(channels ...*Channel) *MultiChannel {
	return &MultiChannel{channels: slices.Clone(channels)}
}

// Channels walks the channels in their order.
func (m *MultiChannel) Channels() iter.Seq[*Channel] { return slices.Values(m.channels) }

// SendEach sends item to every channel, in parallel. The error joins those of
// all that failed, each with its gateway's id.
func (m *MultiChannel) SendEach(ctx context.Context, item any) error {
	return m.each(func(_ int, c *Channel) error { return c.Send(ctx, item) })
}

// ReceiveEach receives one item from each channel, in parallel. The items have
// the channels' order; where none came there is nil, and the error joins the
// reasons, io.EOF included.
func (m *MultiChannel) ReceiveEach(ctx context.Context) ([]any, error) {
	items := make([]any, len(m.channels))
	err := m.each(func(i int, c *Channel) (err error) {
		items[i], err = c.Receive(ctx)
		return err
	})
	return items, err
}

// Items walks the items of all channels as they come, until all are done. A
// channel that fails yields its error, once, with an item that names it, and
// the others go on. Breaking the loop loses nothing: what was not yielded can
// still be received.
func (m *MultiChannel) Items(ctx context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		ready := make(chan *Channel)
		var wg sync.WaitGroup
		defer wg.Wait() // the watchers end with ctx
		defer cancel()
		resume := make(map[*Channel]chan struct{}, len(m.channels))
		for _, c := range m.channels {
			goOn := make(chan struct{})
			resume[c] = goOn
			wg.Go(func() { c.watch(ctx, ready, goOn) })
		}
		for open := len(m.channels); open > 0; {
			var c *Channel
			select {
			case c = <-ready:
			case <-ctx.Done():
				yield(Item{}, ctx.Err())
				return
			}
			value, err := c.Receive(ctx)
			if err != nil {
				open--
			}
			if err != io.EOF && !yield(Item{c, value}, err) {
				return
			}
			if err == nil {
				resume[c] <- struct{}{}
			} else {
				close(resume[c])
			}
		}
	}
}

// watch offers c on ready each time when there is something to receive, until
// resume is closed or ctx ends. It receives nothing itself.
func (c *Channel) watch(ctx context.Context, ready chan<- *Channel, resume <-chan struct{}) {
	for {
		c.out.Flush(ctx)
		if c.await(ctx) != nil {
			return
		}
		select {
		case ready <- c:
		case <-ctx.Done():
			return
		}
		select {
		case _, more := <-resume:
			if !more {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// Wait waits until every channel's other side is done. The error joins those
// of all that failed, each with its gateway's id.
func (m *MultiChannel) Wait(ctx context.Context) error {
	return m.each(func(_ int, c *Channel) error { return c.Wait(ctx) })
}

// Results waits as Wait does and returns what each chunk returned, in the
// channels' order; nil where it failed.
func (m *MultiChannel) Results(ctx context.Context) ([][]any, error) {
	results := make([][]any, len(m.channels))
	err := m.each(func(i int, c *Channel) (err error) {
		results[i], err = c.Results(ctx)
		return err
	})
	return results, err
}

// Close closes every channel.
func (m *MultiChannel) Close() error {
	return m.each(func(_ int, c *Channel) error { return c.Close() })
}

// each calls do for every channel, in parallel, and joins the errors.
func (m *MultiChannel) each(do func(int, *Channel) error) error {
	errs := make([]error, len(m.channels))
	var wg sync.WaitGroup
	for i, c := range m.channels {
		wg.Go(func() { errs[i] = c.named(do(i, c)) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// named puts the gateway's id before an error that does not tell it.
func (c *Channel) named(err error) error {
	if err == nil || c.Gateway() == nil {
		return err
	}
	if _, ok := errors.AsType[*RemoteError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*GatewayLostError](err); ok {
		return err
	}
	return fmt.Errorf("%s: %w", c.Gateway().ID(), err)
}
