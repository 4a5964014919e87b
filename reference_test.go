package luagw_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/mux"
)

// What a peer says: items, of which two name the first stream of its own, and a
// goodbye whose results name it.
const (
	itemSeven   = "\x00\x00\x00\x01\x01\x07"
	itemChannel = "\x00\x00\x00\x06\x01\xd6\x01\x00\x00\x00\x02"
	itemInAMap  = "\x00\x00\x00\x09\x01\x81\xa1c\xd6\x01\x00\x00\x00\x02"
	closeNaming = "\x00\x00\x00\x08\x03\x00\x91\xd6\x01\x00\x00\x00\x02"
	channelOpen = "\x00\x00\x00\x00\x11"
)

// execHostile runs a fragment on an agent that is none.
func execHostile(t *testing.T, act func(*mux.Session, net.Conn)) *luagw.Channel {
	t.Helper()
	g := &luagw.Group{Dial: hostile(act)}
	t.Cleanup(func() { g.Close() })
	gw, err := g.Open(bounded(t), "popen")
	if err != nil {
		t.Fatal(err)
	}
	c, err := gw.RemoteExec(bounded(t), "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A peer may name a channel that it never opens.
func TestWaitingForANamedChannelEndsWithItsContext(t *testing.T) {
	for _, tt := range []struct {
		name, said string
		receive    func(context.Context, *luagw.Channel) error
	}{
		{"Receive", itemChannel, func(ctx context.Context, c *luagw.Channel) error { _, err := c.Receive(ctx); return err }},
		{"Receive of a map", itemInAMap, func(ctx context.Context, c *luagw.Channel) error { _, err := c.Receive(ctx); return err }},
		{"ReceiveAs", itemChannel, func(ctx context.Context, c *luagw.Channel) error {
			_, err := luagw.ReceiveAs[*luagw.Channel](ctx, c)
			return err
		}},
		{"ReceiveInto a Raw", itemChannel, func(ctx context.Context, c *luagw.Channel) error {
			return c.ReceiveInto(ctx, new(luagw.Raw))
		}},
		{"Items", itemChannel, func(ctx context.Context, c *luagw.Channel) error { return lastError(c.Items(ctx)) }},
		{"Results", closeNaming, func(ctx context.Context, c *luagw.Channel) error {
			_, err := c.Results(ctx)
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := execHostile(t, answering(tt.said))
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
				start := time.Now()
				if err := tt.receive(ctx, c); err != context.DeadlineExceeded {
					t.Errorf("got %v, want the context's error", err)
				}
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("it took %v", took)
				}
				cancel()
			}
		})
	}
}

func TestItemWhoseChannelComesLateIsNotLost(t *testing.T) {
	open := make(chan struct{})
	c := execHostile(t, func(s *mux.Session, _ net.Conn) {
		control, err := s.Accept(context.Background())
		if err != nil {
			return
		}
		go io.Copy(io.Discard, control)
		stream, err := s.Accept(context.Background())
		if err != nil {
			return
		}
		go io.Copy(io.Discard, stream)
		io.WriteString(stream, itemInAMap+itemSeven)
		<-open
		if late, err := s.Open(context.Background()); err == nil {
			io.WriteString(late, channelOpen+itemSeven)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if item, err := c.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Receive before the channel is there = %v, %v", item, err)
	}
	close(open)
	item, err := c.Receive(bounded(t))
	named, _ := item.(map[string]any)
	ch, ok := named["c"].(*luagw.Channel)
	if !ok || err != nil {
		t.Fatalf("Receive = %v, %v; want the item with its channel", item, err)
	}
	for _, c := range []*luagw.Channel{c, ch} {
		if item, err := c.Receive(bounded(t)); item != int64(7) || err != nil {
			t.Errorf("Receive of what follows = %v, %v; want 7", item, err)
		}
	}
}

// An item that is given up is none of the channel's any more, and Close does not
// wait for what it names.
func TestCloseWhileAnItemsChannelIsAwaited(t *testing.T) {
	c := execHostile(t, answering(itemChannel))
	ctx, cancel := context.WithCancel(t.Context())
	received := make(chan error, 1)
	go func() { _, err := c.Receive(ctx); received <- err }()
	c.Close()
	cancel()
	if err := <-received; err != context.Canceled && !errors.Is(err, luagw.ErrClosed) {
		t.Errorf("Receive = %v, want it cancelled or closed", err)
	}
	if _, err := c.Receive(t.Context()); !errors.Is(err, luagw.ErrClosed) {
		t.Errorf("Receive after Close = %v, want ErrClosed", err)
	}
}

// Nothing but the item suffers from a lie, and only so long.
func TestItemThatNamesWhatNeverComes(t *testing.T) {
	if testing.Short() {
		t.Skip("waits five seconds")
	}
	t.Parallel()
	c := execHostile(t, answering(itemInAMap+itemSeven))
	_, err := c.Receive(bounded(t))
	valueErr, ok := errors.AsType[*luagw.ValueError](err)
	if !ok || valueErr.Path != "item.c" || !strings.Contains(err.Error(), "channel 2 is not known here") {
		t.Errorf("Receive = %v, want an error that names the channel", err)
	}
	if item, err := c.Receive(bounded(t)); item != int64(7) || err != nil {
		t.Errorf("Receive of what follows = %v, %v; want 7", item, err)
	}
}
