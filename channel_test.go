package luagw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
)

// runFunc is a Runner for tests: the fragments are Go functions, chosen by the
// chunk's source.
type runFunc func(ctx context.Context, chunk *Chunk, ch *Channel) error

func (f runFunc) Run(ctx context.Context, chunk *Chunk, ch *Channel) error { return f(ctx, chunk, ch) }

// fragments are what tests run: one behaviour each.
var fragments = map[string]runFunc{
	"echo": func(ctx context.Context, chunk *Chunk, ch *Channel) error {
		for item, err := range ch.Items(ctx) {
			if err != nil {
				return err
			}
			if err := ch.Send(ctx, item); err != nil {
				return err
			}
		}
		return nil
	},
	"args": func(ctx context.Context, chunk *Chunk, ch *Channel) error {
		chunk.Results = chunk.Args
		return nil
	},
	"fail": func(ctx context.Context, chunk *Chunk, ch *Channel) error {
		ch.Send(ctx, "before")
		return &RemoteError{Message: "it failed", Traceback: "here"}
	},
	"print": func(ctx context.Context, chunk *Chunk, ch *Channel) error {
		for i := range 10 {
			ch.Print(ctx, fmt.Sprint("line ", i))
		}
		return nil
	},
	"wait": func(ctx context.Context, chunk *Chunk, ch *Channel) error {
		<-ctx.Done()
		return ctx.Err()
	},
	"flood": func(ctx context.Context, chunk *Chunk, ch *Channel) error {
		piece := make([]byte, 64<<10)
		for {
			if err := ch.Send(ctx, piece); err != nil {
				return err
			}
		}
	},
	"over": func(ctx context.Context, chunk *Chunk, ch *Channel) error {
		other, err := ReceiveAs[*Channel](ctx, ch)
		if err != nil {
			return err
		}
		return other.Send(ctx, "over there")
	},
}

func runFragment(ctx context.Context, chunk *Chunk, ch *Channel) error {
	fragment, ok := fragments[chunk.Source]
	if !ok {
		return fmt.Errorf("no fragment %q", chunk.Source)
	}
	return fragment(ctx, chunk, ch)
}

// openTest opens a gateway to an agent in this process, closed with the test.
func openTest(t testing.TB) *Gateway {
	t.Helper()
	g := &Group{Dial: InProcess(runFunc(runFragment))}
	t.Cleanup(func() { g.Close() })
	gw, err := g.Open(t.Context(), "popen")
	if err != nil {
		t.Fatal(err)
	}
	return gw
}

// bounded is a context which fails a test that hangs.
func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestItemsGoThereAndBack(t *testing.T) {
	ctx := bounded(t)
	c, err := openTest(t).RemoteExec(ctx, "echo")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if err := c.Send(ctx, i); err != nil {
			t.Fatal(err)
		}
		got, err := c.Receive(ctx)
		if err != nil || got != int64(i) {
			t.Fatalf("Receive = %v, %v; want %d", got, err, i)
		}
	}
	c.CloseWrite()
	for range 3 {
		if _, err := c.Receive(ctx); err != io.EOF {
			t.Fatalf("Receive at the end = %v, want io.EOF every time", err)
		}
	}
	if err := c.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestItemsBeforeAnErrorArriveFirst(t *testing.T) {
	ctx := bounded(t)
	c, err := openTest(t).RemoteExec(ctx, "fail")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Receive(ctx); got != "before" || err != nil {
		t.Fatalf("Receive = %v, %v", got, err)
	}
	for range 3 {
		_, err = c.Receive(ctx)
		remote, ok := errors.AsType[*RemoteError](err)
		if !ok || remote.Message != "it failed" || remote.Traceback != "here" || remote.Gateway != "gw0" {
			t.Fatalf("Receive = %#v, want the RemoteError every time", err)
		}
	}
}

func TestResultsComeHome(t *testing.T) {
	ctx := bounded(t)
	got, err := openTest(t).Call(ctx, "args", 1, "two", []any{3.5})
	if err != nil || fmt.Sprint(got) != "[1 two [3.5]]" {
		t.Fatalf("Call = %v, %v", got, err)
	}
}

func TestLinesAreThereBeforeTheEnd(t *testing.T) {
	ctx := bounded(t)
	var lines []string
	g := &Group{Dial: InProcess(runFunc(runFragment)), Print: func(id, line string) { lines = append(lines, id+": "+line) }}
	defer g.Close()
	gw, err := g.Open(ctx, "popen")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gw.Call(ctx, "print"); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 10 || lines[9] != "gw0: line 9" {
		t.Fatalf("lines = %q", lines)
	}
}

func TestCloseCancelsTheFragment(t *testing.T) {
	ctx := bounded(t)
	gw := openTest(t)
	for _, source := range []string{"wait", "flood", "echo"} {
		c, err := gw.RemoteExec(ctx, source)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if _, err := c.Receive(ctx); !errors.Is(err, ErrClosed) {
			t.Errorf("Receive after Close = %v", err)
		}
	}
	awaitStatus(t, gw, func(st Status) bool { return st.Executing == 0 && st.Channels == 0 })
}

// awaitStatus polls until the agent's status is as wanted.
func awaitStatus(t *testing.T, gw *Gateway, want func(Status) bool) {
	t.Helper()
	ctx := bounded(t)
	for {
		st, err := gw.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if want(st) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("status stays %+v", st)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestAChannelTravelsAsAValue(t *testing.T) {
	ctx := bounded(t)
	gw := openTest(t)
	c, err := gw.RemoteExec(ctx, "over")
	if err != nil {
		t.Fatal(err)
	}
	other, err := gw.NewChannel(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(ctx, other); err != nil {
		t.Fatal(err)
	}
	if got, err := other.Receive(ctx); got != "over there" || err != nil {
		t.Fatalf("Receive = %v, %v", got, err)
	}
	if err := c.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}
