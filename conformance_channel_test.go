package luagw_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
)

// soon is a context that ends while nothing happens.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

var channelBehaviours = []behaviour{
	{1, "what cannot be sent is an error at the receiver", func(b *bed) {
		b.fails(b.exec("thread_is_refused.lua"), "item.co: thread cannot be sent")
	}},
	{1, "what cannot be sent from here is named", func(b *bed) {
		c := b.exec("echo.lua")
		err := c.Send(b.ctx, map[string]any{"hosts": []any{1, make(chan int)}})
		valueErr, ok := errors.AsType[*luagw.ValueError](err)
		if !ok || !strings.HasPrefix(valueErr.Path, "item.hosts[") {
			b.Fatalf("Send = %v, want a ValueError of item.hosts[...]", err)
		}
		b.send(c, "still whole")
		b.receive(c, "still whole")
	}},
	{2, "an error of the fragment reaches the receiver", func(b *bed) {
		b.fails(b.exec("fail.lua"), "oops")
	}},
	{3, "the end comes after the last item, every time", func(b *bed) {
		c := b.exec("send_three.lua")
		b.wait(c)
		b.receive(c, int64(1), int64(2), int64(3))
		b.eof(c)
	}},
	{4, "a wait that times out harms nothing", func(b *bed) {
		c := b.exec("echo.lua")
		if err := c.Wait(soon(b)); !errors.Is(err, context.DeadlineExceeded) {
			b.Fatalf("Wait = %v, want DeadlineExceeded", err)
		}
		b.send(c, "still there")
		b.receive(c, "still there")
	}},
	{5, "a receive that times out loses nothing", func(b *bed) {
		c := b.exec("echo.lua")
		for i := range 3 {
			if _, err := c.Receive(soon(b)); !errors.Is(err, context.DeadlineExceeded) {
				b.Fatalf("Receive = %v, want DeadlineExceeded", err)
			}
			b.send(c, i)
			b.receive(c, int64(i))
		}
	}},
	{6, "a receive ends with its context", func(b *bed) {
		c := b.exec("echo.lua")
		ctx, cancel := context.WithCancel(b.ctx)
		ended := make(chan error, 1)
		go func() { _, err := c.Receive(ctx); ended <- err }()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			b.Fatalf("Receive = %v, want Canceled", err)
		}
	}},
	{7, "items before the error come first", func(b *bed) {
		c := b.exec("error_after_items.lua")
		b.remote(c.Wait(b.ctx), "after three")
		b.receive(c, int64(1), int64(2), int64(3))
		b.fails(c, "after three")
	}},
	{8, "the other side's close ends a wait", func(b *bed) {
		c := b.newChannel()
		b.exec("close_a_channel.lua", c)
		b.wait(c)
		b.receive(c, "last words")
		b.eof(c)
	}},
	{9, "the other side's close with an error is an error", func(b *bed) {
		c := b.newChannel()
		b.exec("close_a_channel.lua", c, "bad news")
		b.remote(c.Wait(b.ctx), "bad news")
		b.receive(c, "last words")
		_, err := c.Receive(b.ctx)
		b.remote(err, "bad news")
		b.remote(c.Send(b.ctx, 1), "bad news")
	}},
	{10, "an error names chunk, line and callers", func(b *bed) {
		remote := b.remote(b.exec("deep_error.lua").Wait(b.ctx), "deep_error.lua:2: oops")
		for _, line := range []string{"deep_error.lua:2", "deep_error.lua:6", "deep_error.lua:8"} {
			if !strings.Contains(remote.Traceback, line) {
				b.Errorf("traceback lacks %s:\n%s", line, remote.Traceback)
			}
		}
		b.equal("gateway", remote.Gateway, b.gw.ID())
	}},
	{11, "a mistake in the source is the fragment's error", func(b *bed) {
		b.fails(b.exec("syntax_error.lua"), "syntax_error.lua:1:")
	}},
	{12, "a loop over a channel yields all and ends", func(b *bed) {
		c := b.exec("send_three.lua")
		var got []any
		for item, err := range c.Items(b.ctx) {
			if err != nil {
				b.Fatal(err)
			}
			got = append(got, item)
		}
		b.equal("items", got, []any{int64(1), int64(2), int64(3)})
	}},
	{12, "a loop on the far side ends with the input", func(b *bed) {
		c := b.exec("sum.lua")
		b.send(c, 1, 2, 3)
		c.CloseWrite()
		results, err := c.Results(b.ctx)
		if err != nil {
			b.Fatal(err)
		}
		b.equal("results", results, []any{int64(6)})
	}},
	{13, "channels travel anywhere in a value", func(b *bed) {
		one, two := b.newChannel(), b.newChannel()
		c := b.exec("channels_in_a_structure.lua")
		b.send(c, map[string]any{"pair": []any{one, map[string]any{"c": two}}})
		b.receive(one, "to the first")
		b.send(one, "and on")
		b.receive(two, "and on")
	}},
	{14, "a channel is the same wherever it comes out", func(b *bed) {
		own := b.newChannel()
		c := b.exec("channel_is_the_same.lua")
		b.send(c, own)
		b.receive(own, own)
		b.send(c, own)
		b.receive(c, true)
	}},
	{15, "a channel outlives the one it came on", func(b *bed) {
		c := b.exec("make_a_channel.lua")
		fresh, err := luagw.ReceiveAs[*luagw.Channel](b.ctx, c)
		if err != nil {
			b.Fatal(err)
		}
		b.eof(c)
		b.receive(fresh, "over the new one")
		b.send(fresh, "and back")
		b.receive(fresh, "and back")
		b.wait(c)
		b.eof(fresh)
	}},
	{16, "a loop in the background gets all in order, channels too", func(b *bed) {
		c, own := b.exec("echo_any.lua"), b.newChannel()
		b.send(c, 1, own, nil, "last")
		c.CloseWrite()
		got := make(chan any, 8)
		go func() {
			defer close(got)
			for item, err := range c.Items(b.ctx) {
				if err != nil {
					item = err
				}
				got <- item
			}
		}()
		var items []any
		for item := range got {
			items = append(items, item)
		}
		b.equal("items", items, []any{int64(1), own, nil, "last"})
	}},
	{17, "a loop after some receives loses nothing", func(b *bed) {
		c := b.exec("count_to.lua", 1, 100)
		b.receive(c, int64(1), int64(2))
		next := int64(3)
		for item, err := range c.Items(b.ctx) {
			if err != nil || item != next {
				b.Fatalf("got %v, %v; want %d", item, err, next)
			}
			if next++; next == 50 {
				break
			}
		}
		b.receive(c, int64(50))
	}},
	{18, "a slow loop has seen all when it ends", func(b *bed) {
		c := b.exec("count_to.lua", 1, 20)
		b.wait(c)
		n := 0
		for range c.Items(b.ctx) {
			time.Sleep(100 * time.Microsecond)
			n++
		}
		b.equal("items", n, 20)
	}},
	{19, "a channel that only a loop holds stays", func(b *bed) {
		items := b.loopOver(b.exec("count_to.lua", 1, 1000))
		for range 3 {
			runtime.GC()
		}
		b.equal("items", <-items, 1000)
	}},
	{20, "what a fragment holds ends with it", func(b *bed) {
		own := b.newChannel()
		c := b.exec("make_and_forget.lua", own)
		made, err := luagw.ReceiveAs[*luagw.Channel](b.ctx, c)
		if err != nil {
			b.Fatal(err)
		}
		b.wait(c)
		b.receive(made, "one")
		b.eof(made)
		b.wait(own)
		b.eof(own)
	}},
	{20, "what a fragment never received ends with it", func(b *bed) {
		own := b.newChannel()
		c := b.exec("wait_for_a_word.lua")
		b.send(c, "word", own, []any{own})
		b.wait(c)
		b.eof(own)
	}},
	{20, "a channel that another fragment holds too goes on", func(b *bed) {
		c := b.exec("make_and_forget.lua")
		holder := b.exec("echo.lua")
		own := b.newChannel()
		b.send(holder, own)
		b.receive(holder, own)
		other := b.exec("wait_for_a_word.lua", own)
		b.send(other, "word")
		b.wait(other)
		b.wait(c)
		if err := own.Wait(soon(b)); !errors.Is(err, context.DeadlineExceeded) {
			b.Fatalf("Wait = %v, want the channel open", err)
		}
		holder.CloseWrite()
		b.wait(holder)
		b.eof(own)
	}},
	{20, "a channel never sent leaves nothing", func(b *bed) {
		for range 100 {
			b.newChannel().Close()
		}
	}},
	{20, "a channel sent to who does not look leaves nothing", func(b *bed) {
		c := b.exec("receive_forever.lua")
		own := b.newChannel()
		b.send(c, "taken")
		b.wait(c)
		c = b.exec("sleep_forever.lua")
		b.receive(c, "sleeping")
		b.send(c, own)
		c.Close()
		own.Close()
	}},
	{21, "the end comes last and once", func(b *bed) {
		c := b.exec("error_after_items.lua")
		var ends []string
		for item, err := range c.Items(b.ctx) {
			ends = append(ends, fmt.Sprint(item, err != nil))
		}
		b.equal("items", ends, []string{"1 false", "2 false", "3 false", "<nil> true"})
	}},
	{22, "the error can be had after the loop", func(b *bed) {
		c := b.exec("error_after_items.lua")
		for range c.Items(b.ctx) {
		}
		b.fails(c, "after three")
	}},
	{23, "an error in a loop on the far side closes its channel with it", func(b *bed) {
		own := b.newChannel()
		c := b.exec("fail_in_a_loop.lua", own)
		b.send(own, "good", "bad")
		b.fails(c, "cannot take bad")
		b.remote(own.Wait(b.ctx), "cannot take bad")
		b.remote(own.Send(b.ctx, "more"), "cannot take bad")
		b.equal("the gateway still", b.call("return 1"), []any{int64(1)})
	}},
	{24, "a writer's close leaves the other direction open", func(b *bed) {
		c := b.exec("sum.lua")
		own := b.exec("echo.lua")
		w := own.Writer(b.ctx)
		for _, text := range []string{"hello", "world"} {
			if _, err := io.WriteString(w, text); err != nil {
				b.Fatal(err)
			}
		}
		w.Close()
		text, err := io.ReadAll(own.Reader(b.ctx))
		if err != nil || string(text) != "helloworld" {
			b.Fatalf("read %q, %v", text, err)
		}
		c.CloseWrite()
		b.wait(c)
	}},
	{25, "writing to what the other side closed is an error", func(b *bed) {
		c := b.newChannel()
		b.exec("close_a_channel.lua", c)
		b.wait(c)
		w := c.Writer(b.ctx)
		if n, err := io.WriteString(w, "x"); n != 0 || !errors.Is(err, net.ErrClosed) {
			b.Fatalf("Write = %d, %v; want 0 and a net.ErrClosed", n, err)
		}
	}},
	{27, "a reader cuts items anew", func(b *bed) {
		r := b.exec("bytes.lua").Reader(b.ctx)
		for _, want := range []string{"123", "\n45"} {
			got := make([]byte, 3)
			if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
				b.Fatalf("read %q, %v; want %q", got, err, want)
			}
		}
	}},
	{28, "a reader at the end stays there", func(b *bed) {
		r := b.exec("bytes.lua").Reader(b.ctx)
		io.ReadAll(r)
		for range 3 {
			if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				b.Fatalf("Read = %d, %v; want io.EOF", n, err)
			}
		}
	}},
	{29, "lines can be read after the end, the last one unfinished", func(b *bed) {
		c := b.exec("bytes.lua")
		b.wait(c)
		r := bufio.NewReader(c.Reader(b.ctx))
		if line, err := r.ReadString('\n'); line != "123\n" || err != nil {
			b.Fatalf("line = %q, %v", line, err)
		}
		if line, err := r.ReadString('\n'); line != "45" || err != io.EOF {
			b.Fatalf("last line = %q, %v", line, err)
		}
	}},
	{46, "a fragment may close its channel", func(b *bed) {
		b.receive(b.exec("closes_its_own_channel.lua"), "before")
	}},
	{164, "each item comes once and in order on many channels", func(b *bed) {
		channels := make([]*luagw.Channel, 20)
		for i := range channels {
			channels[i] = b.exec("count_to.lua", 1000*i, 1000*i+100)
		}
		for i, c := range channels {
			for n := range 101 {
				b.receive(c, int64(1000*i+n))
			}
			b.eof(c)
		}
	}},
	{173, "a channel delivers what came before it was claimed", func(b *bed) {
		c, own := b.exec("sum_of_a_channel.lua"), b.newChannel()
		b.send(own, 1, 2, 3)
		own.CloseWrite()
		b.send(c, "not yet", own)
		own.Close()
		b.send(c, "now")
		results, err := c.Results(b.ctx)
		if err != nil {
			b.Fatal(err)
		}
		b.equal("sum", results, []any{int64(6)})
	}},
	{173, "a closed channel cannot be sent", func(b *bed) {
		c, own := b.exec("echo.lua"), b.newChannel()
		own.Close()
		if err := c.Send(b.ctx, own); err == nil || !strings.Contains(err.Error(), "item: channel: is closed") {
			b.Errorf("Send = %v, want it refused", err)
		}
	}},
	{0, "cancelling ends a fragment that sends", func(b *bed) {
		c := b.exec("flood.lua", 1<<20)
		if _, err := c.Receive(b.ctx); err != nil {
			b.Fatal(err)
		}
		c.Close()
	}},
}

// loopOver counts a channel's items in the background, where nothing else
// holds the channel.
func (b *bed) loopOver(c *luagw.Channel) <-chan int {
	count := make(chan int, 1)
	go func() {
		n := 0
		for range c.Items(b.ctx) {
			n++
		}
		count <- n
	}()
	return count
}
