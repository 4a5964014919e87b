package luagw_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/mux"
)

// doom is a gateway that is about to be lost, with calls that wait on it.
type doom struct {
	*bed
	gw      *luagw.Gateway
	c       *luagw.Channel
	waiting chan error // what each of them returned
}

// doomed opens a gateway of its own and starts everything that can wait on it.
func (b *bed) doomed(keys, fragment string, args ...any) *doom {
	b.Helper()
	d := &doom{bed: b, gw: b.open(keys), waiting: make(chan error, 8)}
	d.c = b.execOn(d.gw, fragment, args...)
	if _, err := d.c.Receive(b.ctx); err != nil {
		b.Fatal(err)
	}
	stuck := b.execOn(d.gw, "receive_forever.lua")
	for _, wait := range []func() error{
		func() error { _, err := stuck.Receive(b.ctx); return err },
		func() error { return d.c.Wait(b.ctx) },
		func() error { _, err := d.c.Results(b.ctx); return err },
		func() error { return d.sendOn() },
		func() error { return lastError(stuck.Items(b.ctx)) },
	} {
		go func() { d.waiting <- wait() }()
	}
	return d
}

// sendOn sends until that fails.
func (d *doom) sendOn() error {
	piece := strings.Repeat("x", 64<<10)
	for {
		if err := d.c.Send(d.ctx, piece); err != nil {
			return err
		}
	}
}

func lastError(items func(func(any, error) bool)) (last error) {
	for _, err := range items {
		last = err
	}
	return last
}

// lost checks that everything that waits, and everything that is tried
// afterwards, tells why the gateway is lost, within a time.
func (d *doom) lost(within time.Duration, check func(*luagw.GatewayLostError) bool) {
	d.Helper()
	deadline := time.After(within)
	for range cap(d.waiting) - 3 {
		select {
		case err := <-d.waiting:
			d.isLost("waiting", err, check)
		case <-deadline:
			d.Fatalf("not told within %v", within)
		}
	}
	for range 2 {
		_, err := d.c.Receive(d.ctx)
		d.isLost("Receive", err, check)
		d.isLost("Wait", d.c.Wait(d.ctx), check)
		d.isLost("Send", d.c.Send(d.ctx, 1), check)
		_, err = d.gw.RemoteExec(d.ctx, "return 1")
		d.isLost("RemoteExec", err, check)
		_, err = d.gw.NewChannel(d.ctx)
		d.isLost("NewChannel", err, check)
		_, err = d.gw.Status(d.ctx)
		d.isLost("Status", err, check)
		d.isLost("Err", d.gw.Err(), check)
		d.isLost("Channel.Err", d.c.Err(), check)
	}
	d.isLost("Shutdown", d.gw.Shutdown(d.ctx), check)
	if _, ok := d.group.Gateway(d.gw.ID()); ok {
		d.Error("the lost gateway is still in its group")
	}
	select {
	case <-d.gw.Done():
	case <-d.ctx.Done():
		d.Error("Done is not closed")
	}
}

func (d *doom) isLost(what string, err error, check func(*luagw.GatewayLostError) bool) {
	d.Helper()
	lost, ok := errors.AsType[*luagw.GatewayLostError](err)
	if !ok || !check(lost) {
		d.Errorf("%s = %T %v, want the GatewayLostError", what, err, err)
	}
}

func popenBed(t *testing.T) *bed {
	return newBed(t, transport{"popen", "popen", gateways.Dial, true}, "")
}

func TestFragmentsThatEndOnlyThemselves(t *testing.T) {
	for _, tt := range []struct{ name, keys, source, want string }{
		{"os.exit", "", "os.exit(1)", "os.exit(1)"},
		{"endless loop", "//max_time=50ms", "while true do end", "ran longer than 50ms"},
		{"endless loop in pcall", "//max_time=50ms", "while true do pcall(function() while true do end end) end", "ran longer than 50ms"},
		{"endless recursion", "", "local function f() return 1 + f() end f()", "stack overflow"},
		{"endless recursion of pcall", "//max_time=50ms", "local function f() pcall(f) pcall(f) error('deep') end f()", "ran longer than 50ms"},
		{"memory", "//max_memory=64M", "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end", "MiB of memory"},
		{"deep source", "", "return " + strings.Repeat("(", 10_000) + "1" + strings.Repeat(")", 10_000), "too many syntax levels"},
		{"deep value", "", "local t = {} for i = 1, 10000 do t = {t} end channel:send(t)", "nested deeper than 128"},
		{"deep result", "", "local t = {} for i = 1, 10000 do t = {t} end return t", "nested deeper than 128"},
		{"error without value", "", "error()", ""},
		{"error with a function", "", "error(print)", "function"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := popenBed(t)
			gw := b.open(tt.keys)
			_, err := gw.Call(b.ctx, tt.source)
			b.remote(err, tt.want)
			if results, err := gw.Call(b.ctx, "return 'still there'"); err != nil || results[0] != "still there" {
				t.Errorf("afterwards: %v, %v", results, err)
			}
		})
	}
}

func TestDeepValueIsRefusedHere(t *testing.T) {
	b := popenBed(t)
	var v any = "x"
	for range 10_000 {
		v = []any{v}
	}
	c := b.exec("echo.lua")
	if err := c.Send(b.ctx, v); err == nil {
		t.Error("Send of a value 10,000 deep: no error")
	}
	b.send(c, "still there")
	b.receive(c, "still there")
}

func TestOpenErrors(t *testing.T) {
	noise := func(n int) string {
		return fmt.Sprintf(`exec=sh -c "head -c %d /dev/zero | tr '\\0' x; LUAGW_SERVE=stdio exec '%s'"`, n, os.Args[0])
	}
	for _, tt := range []struct {
		name, spec string
		want       string // in the error; empty if it opens
		stderr     string
		exit       int
	}{
		{"no agent but an echo", "exec=cat//timeout=300ms", "no hello from the agent in time", "", -2},
		{"nothing that says anything", "exec=sleep 300//timeout=300ms", "no hello from the agent in time", "", -2},
		{"ends at once", "exec=true", "without a hello", "", 0},
		{"complains and ends", `exec=sh -c "echo msg >&2; exit 3"`, "without a hello", "msg", 3},
		{"says something and ends", `exec=echo hello there`, "without a hello", "hello there", 0},
		{"is not there", "exec=/nowhere/agent", "/nowhere/agent", "", -1},
		{"another version", `exec=echo 'luagw 7 ok {}'`, `version "7"`, "", -2},
		{"refuses", `exec=echo 'luagw 1 error {"error":"full"}'`, "full", "", -2},
		{"a malformed hello", `exec=echo 'luagw 1 ok {'`, "malformed", "", -2},
		{"a long login message", noise(60 << 10), "", "", 0},
		{"too long a login message", noise(70 << 10), "first 64 KiB", "", -2},
		{"an agent that cannot enter its directory", "popen//dir=/nowhere/at/all", "no such file", "", -2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := &luagw.Group{Dial: gateways.Dial}
			defer g.Close()
			start := time.Now()
			_, err := g.Open(bounded(t), tt.spec)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("Open took %v", took)
			}
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			checkOpenError(t, err, tt.want, tt.stderr, tt.exit)
			for gw := range g.Gateways() {
				t.Errorf("gateway %s is in the group", gw.ID())
			}
		})
	}
}

// checkOpenError checks an OpenError; an exit of -2 is any.
func checkOpenError(t *testing.T, err error, want, stderr string, exit int) {
	t.Helper()
	open, ok := errors.AsType[*luagw.OpenError](err)
	if !ok || !strings.Contains(err.Error(), want) || !strings.Contains(open.Stderr, stderr) {
		t.Fatalf("Open = %T %v, want an OpenError with %q and %q", err, err, want, stderr)
	}
	if exit != -2 && open.ExitCode != exit {
		t.Errorf("exit code %d, want %d", open.ExitCode, exit)
	}
}

// hostile dials an agent that says a right hello and then does as it is told.
func hostile(act func(session *mux.Session, conn net.Conn)) luagw.DialFunc {
	return func(context.Context, *luagw.Spec) (io.ReadWriteCloser, error) {
		near, far := net.Pipe()
		go func() { // ends when near is closed
			defer far.Close()
			if _, err := io.WriteString(far, "\nluagw 1 ok {}\n"); err != nil {
				return
			}
			session, err := mux.Server(far, &mux.Config{KeepAlive: -1})
			if err != nil {
				return
			}
			defer session.Close()
			act(session, far)
			<-session.Done()
		}()
		return near, nil
	}
}

// answering accepts streams and writes the same answer on each but the first,
// which is the control stream.
func answering(answer string) func(*mux.Session, net.Conn) {
	return func(session *mux.Session, _ net.Conn) {
		for n := 0; ; n++ {
			stream, err := session.Accept(context.Background())
			if err != nil {
				return
			}
			go io.Copy(io.Discard, stream)
			if n == 0 {
				continue
			}
			io.WriteString(stream, answer)
			stream.Close()
		}
	}
}

func TestHostileAgent(t *testing.T) {
	for _, tt := range []struct {
		name string
		act  func(*mux.Session, net.Conn)
		want string
		lost bool // the whole gateway
	}{
		{"frame of unknown kind", answering("\x00\x00\x00\x00\x77"), "unknown kind", true},
		{"frame larger than the maximum", answering("\xff\xff\xff\xff\x01"), "larger than the maximum", true},
		{"frame cut off", answering("\x00\x00\x10\x00\x01abc"), "without a goodbye", false},
		{"header cut off", answering("\x00\x00"), "without a goodbye", false},
		{"no goodbye", answering(""), "without a goodbye", false},
		{"malformed close", answering("\x00\x00\x00\x01\x03\xc1"), "malformed", true},
		{"malformed error", answering("\x00\x00\x00\x01\x04\x00"), "malformed", true},
		{"a request as an answer", answering("\x00\x00\x00\x00\x10"), "unknown kind", true},
		{"rubbish after the hello", func(_ *mux.Session, conn net.Conn) { io.WriteString(conn, strings.Repeat("rubbish", 10)) }, "", true},
		{"hangs up", func(s *mux.Session, _ net.Conn) { s.Close() }, "", true},
		{"opens a stream of an unknown kind", func(s *mux.Session, _ net.Conn) {
			if stream, err := s.Open(context.Background()); err == nil {
				io.WriteString(stream, "\x00\x00\x00\x00\x10")
			}
		}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := bounded(t)
			g := &luagw.Group{Dial: hostile(tt.act)}
			defer g.Close()
			gw, err := g.Open(ctx, "popen")
			if err != nil {
				return // refused even earlier
			}
			c, err := gw.RemoteExec(ctx, "return 1")
			if err == nil {
				err = c.Wait(ctx)
			}
			if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Wait = %v, want %q", err, tt.want)
			}
			_, lost := errors.AsType[*luagw.GatewayLostError](err)
			if lost != tt.lost {
				t.Errorf("Wait = %T %v; lost = %v, want %v", err, err, lost, tt.lost)
			}
			if tt.lost {
				<-gw.Done()
			}
		})
	}
}

// An item that cannot be decoded is one item's error and nobody else's.
func TestMalformedItem(t *testing.T) {
	ctx := bounded(t)
	g := &luagw.Group{Dial: hostile(answering("\x00\x00\x00\x01\x01\xc1" + "\x00\x00\x00\x01\x01\x07"))}
	defer g.Close()
	gw, err := g.Open(ctx, "popen")
	if err != nil {
		t.Fatal(err)
	}
	c, err := gw.RemoteExec(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := c.Receive(ctx); err == nil {
		t.Errorf("Receive of a malformed item = %v", v)
	}
	if v, err := c.Receive(ctx); err != nil || v != int64(7) {
		t.Errorf("Receive of the next = %v, %v; want 7", v, err)
	}
}

func TestSendThatIsGivenUpHalfway(t *testing.T) {
	overTransports(t, func(t *testing.T, tr transport) {
		b := newBed(t, tr, "").with(t)
		c := b.exec("wait_then_echo.lua")
		piece := strings.Repeat("x", 1<<20)
		sent := 0
		for ctx := soon(t); ; sent++ {
			if err := c.Send(ctx, piece); err != nil {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("Send = %v, want DeadlineExceeded", err)
				}
				break
			}
		}
		got := 0
		go func() { c.Send(b.ctx, "last"); c.CloseWrite() }()
		for item, err := range c.Items(b.ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if item == "last" {
				continue
			}
			if item != piece {
				t.Fatalf("item %d is not whole: %T", got, item)
			}
			got++
		}
		if got != sent {
			t.Errorf("%d items came, %d were sent", got, sent)
		}
	})
}

func TestManyClosesAtOnce(t *testing.T) {
	overTransports(t, func(t *testing.T, tr transport) {
		b := newBed(t, tr, "")
		c := b.exec("flood.lua", 1<<20)
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				if i%2 == 0 {
					c.Close()
				}
				b.gw.Close()
				b.group.Close()
			})
		}
		wg.Wait()
		if err := b.gw.Err(); !errors.Is(err, luagw.ErrClosed) {
			t.Errorf("Err = %v, want ErrClosed", err)
		}
	})
}

// TestManyGateways opens and closes gateways one after the other, and looks
// for what is left of them.
func TestManyGateways(t *testing.T) {
	for _, tr := range localTransports()[:2] {
		t.Run(tr.name, func(t *testing.T) {
			n := map[string]int{"inprocess": 1000, "popen": 100}[tr.name]
			if testing.Short() || raceEnabled {
				n /= 10
			}
			before := resources()
			g := &luagw.Group{Dial: tr.dial}
			for range n {
				gw, err := g.Open(bounded(t), tr.spec)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := gw.Call(bounded(t), "return 1"); err != nil {
					t.Fatal(err)
				}
				gw.Close()
			}
			g.Close()
			if left := awaitResources(before); left != "" {
				t.Errorf("left: %s", left)
			}
		})
	}
}
