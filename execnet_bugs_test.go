package luagw_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
)

// The tests here are of what goes wrong in execnet 2.2, each of them seen to
// there, and must not here.

// An integer below -2^31 is a struct.error there.
func TestExecnetBugSmallIntegers(t *testing.T) {
	b := popenBed(t)
	c := b.exec("echo.lua")
	for _, n := range []int64{-1<<31 - 1, -1 << 53, -1 << 63} {
		b.send(c, n)
		b.receive(c, n)
	}
}

// A channel sent over another gateway silently becomes one of that gateway's.
func TestExecnetBugChannelOfAnotherGateway(t *testing.T) {
	b := popenBed(t)
	other := b.open("")
	stranger, err := other.NewChannel(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	c := b.exec("echo.lua")
	for _, item := range []any{stranger, []any{1, map[string]any{"c": stranger}}} {
		err := c.Send(b.ctx, item)
		valueErr, ok := errors.AsType[*luagw.ValueError](err)
		if !ok || valueErr.Type != "channel" || !strings.Contains(err.Error(), "another gateway") {
			t.Errorf("Send = %v, want a ValueError", err)
		}
	}
	if _, err := b.gw.RemoteExec(b.ctx, "return ...", stranger); err == nil {
		t.Error("RemoteExec with another gateway's channel: no error")
	}
	b.send(c, "still there")
	b.receive(c, "still there")
}

// A fragment's error is told once; afterwards there is EOF, or no error at all.
func TestExecnetBugErrorsToldOnce(t *testing.T) {
	b := popenBed(t)
	c := b.exec("fail.lua")
	for range 3 {
		b.fails(c, "oops")
	}
}

// Only the first error of several channels is told.
func TestExecnetBugErrorsOfOthersLost(t *testing.T) {
	b := popenBed(t)
	m := luagw.NewMultiChannel(b.exec("fail.lua"), b.exec("send_three.lua"), b.exec("deep_error.lua"))
	err := m.Wait(b.ctx)
	for _, want := range []string{"oops", "deep_error.lua:2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Wait = %v, want %q", err, want)
		}
	}
}

// A callback that fails kills the receiver and with it the gateway. Here a loop
// that panics or stops is its own goroutine's matter.
func TestExecnetBugFailingCallback(t *testing.T) {
	b := popenBed(t)
	func() {
		defer func() { recover() }()
		for range b.exec("send_three.lua").Items(b.ctx) {
			panic("in the loop")
		}
	}()
	b.equal("the gateway still", b.call("return 1"), []any{int64(1)})
}

// A slow callback holds up all other channels.
func TestExecnetBugSlowCallback(t *testing.T) {
	b := popenBed(t)
	busy, stop := make(chan struct{}), make(chan struct{})
	ended := make(chan struct{})
	c := b.exec("flood.lua", 1<<20)
	go func() {
		defer close(ended)
		for range c.Items(b.ctx) {
			close(busy)
			<-stop
			return
		}
	}()
	<-busy
	ping := b.exec("echo.lua")
	b.send(ping, "ping")
	b.receive(ping, "ping")
	close(stop)
	<-ended
}

// What a fragment returns is lost.
func TestExecnetBugResultLost(t *testing.T) {
	b := popenBed(t)
	b.equal("results", b.call("return 42"), []any{int64(42)})
}

// An agent that cannot run comes back as a gateway, which is dead.
func TestExecnetBugDeadGateway(t *testing.T) {
	for _, spec := range []string{"popen:/bin/false", "exec=/bin/false"} {
		g := &luagw.Group{Dial: gateways.Dial}
		_, err := g.Open(bounded(t), spec)
		open, ok := errors.AsType[*luagw.OpenError](err)
		if !ok || open.Stage != luagw.StageHello || open.ExitCode != 1 {
			t.Errorf("Open(%q) = %v, want an OpenError of stage hello with exit status 1", spec, err)
		}
		g.Close()
	}
}

// What a login script prints before the agent starts is an assertion's failure.
func TestExecnetBugLoginNoise(t *testing.T) {
	self := localTransports()[2].spec
	g := &luagw.Group{Dial: gateways.Dial}
	defer g.Close()
	spec := strings.Replace(self, "exec=env ", `exec=sh -c 'echo Welcome; printf "no line break"; exec "$@"' sh env `, 1)
	if _, err := g.Open(bounded(t), spec); err != nil {
		t.Error(err)
	}
}

// A gateway whose settings fail stays registered, and runs.
func TestExecnetBugFailedSetup(t *testing.T) {
	before := resources()
	g := &luagw.Group{Dial: gateways.Dial}
	_, err := g.Open(bounded(t), "popen//id=x//dir=/nowhere/at/all")
	if open, ok := errors.AsType[*luagw.OpenError](err); !ok || open.Stage != luagw.StageBootstrap {
		t.Errorf("Open = %v, want an OpenError of stage bootstrap", err)
	}
	if list := ids(g); len(list) > 0 {
		t.Errorf("in the group: %v", list)
	}
	if _, err := g.Open(bounded(t), "popen//id=x"); err != nil {
		t.Errorf("the id is not free: %v", err)
	}
	g.Close()
	if left := awaitResources(before); left != "" {
		t.Errorf("left: %s", left)
	}
}

// An id in use is found when the process runs already.
func TestExecnetBugDuplicateID(t *testing.T) {
	dialled := 0
	g := &luagw.Group{Dial: func(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
		dialled++
		return gateways.Dial(ctx, spec)
	}}
	defer g.Close()
	if _, err := g.Open(bounded(t), "popen//id=x"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Open(bounded(t), "popen//id=x"); !isSpecError(err) || dialled != 1 {
		t.Errorf("Open = %v after %d dials, want a SpecError after 1", err, dialled)
	}
}

// Specs are misread in silence.
func TestExecnetBugSpecs(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{"unknown key", "popen//chidr=/tmp", "chidr"},
		{"cut-off value", "popen//env:U=http://h/x", "h/x"},
		{"nothing behind the last slashes", "popen//", ""},
		{"variable given twice", "popen//env:A=1//env:A=2", "given twice"},
		{"variable without value", "popen//env:A", "no value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := luagw.ParseSpec(tt.spec)
			if !isSpecError(err) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseSpec(%q) = %v, want a SpecError with %q", tt.spec, err, tt.want)
			}
		})
	}
	spec, err := luagw.ParseSpec(`popen//env:U="http://h/x"`)
	if err != nil || spec.Env["U"] != "http://h/x" {
		t.Errorf("quoted: %+v, %v", spec, err)
	}
}

// Truncated input leaks struct.error.
func TestExecnetBugTruncatedInput(t *testing.T) {
	whole, err := luagw.Marshal(map[string]any{"a": []any{1, 2.5, "text", nil, true, time.Unix(1, 5)}})
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if v, err := luagw.Unmarshal(whole[:n]); err == nil {
			t.Errorf("Unmarshal of %d bytes of %d = %v", n, len(whole), v)
		}
	}
}

// A cycle is a RecursionError, and where it is nobody says.
func TestExecnetBugCycles(t *testing.T) {
	b := popenBed(t)
	b.fails(b.exec("cycle_is_refused.lua"), "a cycle")
	list := []any{nil}
	list[0] = list
	if err := b.exec("echo.lua").Send(b.ctx, list); err == nil || !strings.Contains(err.Error(), "item[") {
		t.Errorf("Send of a cycle = %v, want its path", err)
	}
}

// readline of bytes returns everything.
func TestExecnetBugReadline(t *testing.T) {
	b := popenBed(t)
	c := b.exec("bytes.lua")
	var line []byte
	for r, one := c.Reader(b.ctx), make([]byte, 1); len(line) == 0 || line[len(line)-1] != '\n'; line = append(line, one...) {
		if _, err := io.ReadFull(r, one); err != nil {
			t.Fatal(err)
		}
	}
	b.equal("line", string(line), "123\n")
}

// Fragments of one gateway share their globals and modules.
func TestExecnetBugSharedState(t *testing.T) {
	b := popenBed(t)
	g := &luagw.Group{Dial: gateways.Dial, Modules: fstest.MapFS{"m.lua": {Data: []byte("return {n = 0}")}}}
	defer g.Close()
	gw, err := g.Open(b.ctx, "popen")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		results, err := gw.Call(b.ctx, "local m = require 'm'; m.n = m.n + 1; x = (x or 0) + 1; return m.n, x")
		if err != nil {
			t.Fatal(err)
		}
		b.equal("counts", results, []any{int64(1), int64(1)})
	}
}

// One fragment cannot be stopped, only the whole gateway.
func TestExecnetBugFragmentCannotBeStopped(t *testing.T) {
	b := popenBed(t)
	c := b.exec("loop_forever.lua")
	b.receive(c, "looping")
	c.Close()
	b.awaitStatus("nothing executing", func(st luagw.Status) bool { return st.Executing == 0 })
}
