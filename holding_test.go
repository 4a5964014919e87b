package luagw

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

// runner is a Runner made of a function.
type runner func(ctx context.Context, ch *Channel) error

func (r runner) Run(ctx context.Context, _ *Chunk, ch *Channel) error { return r(ctx, ch) }

// TestChannelInAnItemThatComesTooLateIsClosed has the item arrive when its channel
// has just been closed, before that is noted anywhere but in the inbox.
func TestChannelInAnItemThatComesTooLateIsClosed(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	send := make(chan struct{})
	group := &Group{Dial: InProcess(runner(func(ctx context.Context, ch *Channel) error {
		<-send
		own, err := ch.NewChannel(ctx)
		if err != nil {
			return err
		}
		if err := ch.Send(ctx, own); err != nil {
			return err
		}
		ch.Flush(ctx)
		if _, err := own.Receive(ctx); !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	}))}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		t.Fatal(err)
	}
	c, err := gw.RemoteExec(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	c.in.close(ErrClosed)
	close(send)
	if err := c.Wait(ctx); err != nil {
		t.Errorf("the fragment's channel did not end: %v", err)
	}
}
