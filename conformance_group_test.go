package luagw_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/luagw/luagw"
)

// another is a group of its own over the same transport, closed with the test.
func (b *bed) another() *luagw.Group {
	g := &luagw.Group{Dial: b.tr.dial, DefaultSpec: b.tr.spec, Print: func(string, string) {}}
	b.Cleanup(func() { g.Close() })
	return g
}

// two is such a group with two gateways, one and two.
func (b *bed) two() *luagw.Group {
	b.Helper()
	g := b.another()
	if _, err := g.OpenAll(b.ctx, b.tr.spec+"//id=one", b.tr.spec+"//id=two"); err != nil {
		b.Fatal(err)
	}
	return g
}

func ids(g *luagw.Group) (list []string) {
	for gw := range g.Gateways() {
		list = append(list, gw.ID())
	}
	slices.Sort(list)
	return list
}

func (b *bed) multi(g *luagw.Group, source string, args ...any) *luagw.MultiChannel {
	b.Helper()
	m, err := g.RemoteExec(b.ctx, source, args...)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

var groupBehaviours = []behaviour{
	{93, "a multichannel keeps its channels in order", func(b *bed) {
		one, two := b.exec("echo.lua"), b.exec("echo.lua")
		m := luagw.NewMultiChannel(one, two)
		b.equal("channels", slices.Collect(m.Channels()), []*luagw.Channel{one, two})
		m.Close()
	}},
	{94, "one item from each", func(b *bed) {
		m := b.multi(b.two(), "channel:send(1) channel:send(2)")
		for want := range int64(2) {
			items, err := m.ReceiveEach(b.ctx)
			if err != nil {
				b.Fatal(err)
			}
			b.equal("items", items, []any{want + 1, want + 1})
		}
		if items, err := m.ReceiveEach(b.ctx); !errors.Is(err, io.EOF) {
			b.Errorf("ReceiveEach at the end = %v, %v", items, err)
		}
	}},
	{94, "one item from each ends with the context and keeps what came", func(b *bed) {
		quick, slow := b.exec("send_three.lua"), b.exec("echo.lua")
		b.wait(quick)
		items, err := luagw.NewMultiChannel(quick, slow).ReceiveEach(soon(b))
		if !errors.Is(err, context.DeadlineExceeded) {
			b.Fatalf("ReceiveEach = %v", err)
		}
		b.equal("items", items, []any{int64(1), nil})
	}},
	{95, "one item to each", func(b *bed) {
		m := b.multi(b.two(), "return channel:receive() + 1")
		if err := m.SendEach(b.ctx, 41); err != nil {
			b.Fatal(err)
		}
		results, err := m.Results(b.ctx)
		if err != nil {
			b.Fatal(err)
		}
		b.equal("results", results, [][]any{{int64(42)}, {int64(42)}})
	}},
	{97, "items of all as they come", func(b *bed) {
		g := b.two()
		m := b.multi(g, "for i = 1, 50 do channel:send(i) end")
		next := map[string]int64{}
		for item, err := range m.Items(b.ctx) {
			if err != nil {
				b.Fatal(err)
			}
			id := item.Channel.Gateway().ID()
			if next[id]++; item.Value != next[id] {
				b.Fatalf("%s: got %v, want %d", id, item.Value, next[id])
			}
		}
		b.equal("items", next, map[string]int64{"one": 50, "two": 50})
	}},
	{97, "a broken loop over all loses nothing", func(b *bed) {
		m := luagw.NewMultiChannel(b.exec("count_to.lua", 1, 10), b.exec("count_to.lua", 1, 10))
		sum := int64(0)
		for range 20 {
			for item, err := range m.Items(b.ctx) {
				if err != nil {
					b.Fatal(err)
				}
				sum += item.Value.(int64)
				break
			}
		}
		b.equal("sum", sum, int64(110))
	}},
	{98, "a wait for all has all errors, with their gateways", func(b *bed) {
		m := b.multi(b.two(), "error('it failed', 0)")
		err := m.Wait(b.ctx)
		for _, want := range []string{"one: it failed", "two: it failed"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				b.Errorf("Wait = %v, want %q", err, want)
			}
		}
	}},
	{99, "a group can be closed any number of times", func(b *bed) {
		g := b.two()
		for range 3 {
			if err := g.Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.equal("gateways", ids(g), []string(nil))
		if _, err := g.Open(b.ctx, ""); !errors.Is(err, luagw.ErrClosed) {
			b.Errorf("Open after Close = %v", err)
		}
	}},
	{100, "a bad default spec is an error", func(b *bed) {
		g := b.another()
		g.DefaultSpec = "pigeon"
		if _, err := g.Open(b.ctx, ""); !isSpecError(err) {
			b.Errorf("Open = %v, want a SpecError", err)
		}
	}},
	{102, "gateways stand in the order of their opening", func(b *bed) {
		g := b.another()
		var order []string
		for _, id := range []string{"c", "a", "b"} {
			if _, err := g.Open(b.ctx, b.tr.spec+"//id="+id); err != nil {
				b.Fatal(err)
			}
		}
		for gw := range g.Gateways() {
			order = append(order, gw.ID())
		}
		b.equal("order", order, []string{"c", "a", "b"})
	}},
	{103, "ids are given where none is", func(b *bed) {
		g := b.another()
		for _, spec := range []string{"", b.tr.spec + "//id=gw1", ""} {
			if _, err := g.Open(b.ctx, spec); err != nil {
				b.Fatal(err)
			}
		}
		b.equal("ids", ids(g), []string{"gw0", "gw1", "gw2"})
	}},
	{104, "a closed gateway leaves its group and its id", func(b *bed) {
		g := b.two()
		gw, _ := g.Gateway("one")
		gw.Close()
		b.equal("ids", ids(g), []string{"two"})
		if _, err := gw.RemoteExec(b.ctx, "return 1"); !errors.Is(err, luagw.ErrClosed) {
			b.Errorf("RemoteExec after Close = %v", err)
		}
		if _, err := g.Open(b.ctx, b.tr.spec+"//id=one"); err != nil {
			b.Error(err)
		}
	}},
	{106, "a fragment on every gateway gets the arguments", func(b *bed) {
		results, err := b.multi(b.two(), "return ...", "x", 2).Results(b.ctx)
		if err != nil {
			b.Fatal(err)
		}
		b.equal("results", results, [][]any{{"x", int64(2)}, {"x", int64(2)}})
	}},
	{107, "gateways through others end first", func(b *bed) {
		g := b.another()
		for i, via := range []string{"", "//via=hop0", "//via=hop1"} {
			if _, err := g.Open(b.ctx, fmt.Sprintf("%s//id=hop%d%s", b.tr.spec, i, via)); err != nil {
				b.Fatal(err)
			}
		}
		last, _ := g.Gateway("hop2")
		c := b.execOn(last, "echo.lua")
		b.send(c, "through two")
		b.receive(c, "through two")
		if err := g.Shutdown(b.ctx); err != nil {
			b.Fatal(err)
		}
	}},
	{110, "what does not end is killed in time", func(b *bed) {
		g := b.two()
		m := b.multi(g, "channel:send(1) while true do pcall(sleep, 1/0) end")
		if _, err := m.ReceiveEach(b.ctx); err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(b.ctx, 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		if err := g.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("Shutdown = %v, want DeadlineExceeded", err)
		}
		if took := time.Since(start); took > 5*time.Second {
			b.Errorf("Shutdown took %v", took)
		}
	}},
	{111, "a close does not wait for a fragment that sleeps", func(b *bed) {
		gw := b.open("")
		c := b.execOn(gw, "sleep_forever.lua")
		b.receive(c, "sleeping")
		start := time.Now()
		gw.Close()
		if took := time.Since(start); took > 2*time.Second {
			b.Errorf("Close took %v", took)
		}
	}},
	{113, "nothing of a closed gateway runs", func(b *bed) {
		b.needsProcess("it has none of its own")
		gw := b.open("")
		b.execOn(gw, "receive_forever.lua")
		gw.Close()
		if !b.served() {
			b.equal("alive", alive(gw.Info().PID), false)
		}
		await(b, "the agent of a server to end", 5*time.Second, func() bool { return !alive(gw.Info().PID) })
	}},
	{114, "an end with fragments at work is quiet", func(b *bed) {
		b.needsProcess("it has no standard error of its own")
		var conn atomic.Value
		g := &luagw.Group{Dial: func(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
			c, err := b.tr.dial(ctx, spec)
			conn.Store(c)
			return c, err
		}}
		gw, err := g.Open(b.ctx, b.tr.spec)
		if err != nil {
			b.Fatal(err)
		}
		b.receive(b.execOn(gw, "sleep_forever.lua"), "sleeping")
		b.execOn(gw, "receive_forever.lua")
		g.Close()
		exiter, ok := conn.Load().(luagw.Exiter)
		if !ok {
			b.Skip("nothing is known of the process at the other end of a socket")
		}
		exit := exiter.Exit(b.ctx)
		if exit.Code != 0 || exit.Stderr != "" {
			b.Errorf("exit = %+v, want none of it", exit)
		}
	}},
	{0, "a shutdown lets fragments finish", func(b *bed) {
		gw := b.open("")
		c := b.execOn(gw, "sum.lua")
		b.send(c, 1, 2)
		if err := gw.Shutdown(b.ctx); err != nil {
			b.Fatal(err)
		}
		results, err := c.Results(b.ctx)
		if err != nil {
			b.Fatal(err)
		}
		b.equal("results", results, []any{int64(3)})
	}},
	{122, "the environment is the fragments'", func(b *bed) {
		b.needsProcess("it shares the tests' environment")
		gw := b.open(`//env:LUAGW_TEST_A=http:/\/x//env:LUAGW_TEST_B=`)
		defer gw.Close()
		results, err := gw.Call(b.ctx, "return process.env('LUAGW_TEST_A'), process.env('LUAGW_TEST_B')")
		if err != nil {
			b.Fatal(err)
		}
		b.equal("environment", results, []any{"http://x", ""})
	}},
	{129, "niceness is added", func(b *bed) {
		b.needsProcess("it shares the tests' niceness")
		gw := b.open("//nice=5")
		defer gw.Close()
		before, after := b.niceness(b.gw), b.niceness(gw)
		if want := min(before+5, 19); after != want {
			b.Errorf("niceness %d, and before %d; want %d", after, before, want)
		}
	}},
	{132, "the directory is entered, and made one level deep", func(b *bed) {
		b.needsProcess("it shares the tests' directory")
		dir := b.TempDir()
		for _, want := range []string{dir, filepath.Join(dir, "new")} {
			gw := b.open("//dir=" + want)
			results, err := gw.Call(b.ctx, "return fs.exists('.')")
			if err != nil {
				b.Fatal(err)
			}
			b.equal("is there", results, []any{true})
			b.equal("directory", gw.Info().Dir, want)
			gw.Close()
		}
		_, err := b.group.Open(b.ctx, b.tr.spec+"//dir="+filepath.Join(dir, "two", "levels"))
		if !errors.Is(err, os.ErrNotExist) && (err == nil || !strings.Contains(err.Error(), "no such file")) {
			b.Errorf("Open = %v, want no such file", err)
		}
	}},
	{0, "an agent without a process refuses what needs one", func(b *bed) {
		if b.tr.process {
			b.Skip("it has one")
		}
		_, err := b.group.Open(b.ctx, b.tr.spec+"//nice=5")
		if open, ok := errors.AsType[*luagw.OpenError](err); !ok || open.Stage != luagw.StageBootstrap {
			b.Errorf("Open = %v, want an OpenError of stage bootstrap", err)
		}
	}},
}

// niceness is a gateway's agent's, which has it from whoever runs the tests.
func (b *bed) niceness(gw *luagw.Gateway) int {
	results, err := gw.Call(b.ctx, `return io.popen("nice"):read("*n")`)
	if err != nil {
		b.Fatal(err)
	}
	n, ok := results[0].(int64)
	if !ok {
		b.Fatalf("nice says %v", results)
	}
	return int(n)
}

func isSpecError(err error) bool {
	_, ok := errors.AsType[*luagw.SpecError](err)
	return ok
}

// Behaviours 116 to 128: what a spec may say is tested beside the parser.
func TestSpecErrorsStartNothing(t *testing.T) {
	dialled := 0
	g := &luagw.Group{Dial: func(context.Context, *luagw.Spec) (io.ReadWriteCloser, error) {
		dialled++
		return nil, errors.New("not reached")
	}}
	for _, spec := range []string{"pigeon", "popen//id=a//id=b", "popen//cdhir=/", "popen//nice=x", "popen//via=nobody", "popen//"} {
		if _, err := g.Open(t.Context(), spec); !isSpecError(err) {
			t.Errorf("Open(%q) = %v, want a SpecError", spec, err)
		}
	}
	if dialled > 0 {
		t.Errorf("dialled %d times, want 0", dialled)
	}
}
