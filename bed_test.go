package luagw_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/luagw/luagw"
)

// testFragments are the fragments of the conformance suite.
var testFragments = os.DirFS("testdata/lua")

// bed is a gateway under test.
type bed struct {
	*testing.T
	ctx   context.Context
	tr    transport
	group *luagw.Group
	gw    *luagw.Gateway
	sink  *atomic.Pointer[bed] // whose lines the group's are

	mu    sync.Mutex // guards lines
	lines []string   // that fragments printed
}

// newBed opens a gateway that is closed with the test. keys are added to the
// transport's spec.
func newBed(t *testing.T, tr transport, keys string) *bed {
	t.Helper()
	b := &bed{T: t, ctx: bounded(t), tr: tr, sink: &atomic.Pointer[bed]{}}
	b.sink.Store(b)
	b.group = &luagw.Group{Dial: tr.dial, Print: func(_, line string) { b.sink.Load().print(line) }}
	t.Cleanup(func() { b.group.Close() })
	b.gw = b.open(keys)
	return b
}

// with is the same gateway in another test, after which nothing may be left of
// what it did.
func (b *bed) with(t *testing.T) *bed {
	inner := &bed{T: t, ctx: bounded(t), tr: b.tr, group: b.group, gw: b.gw, sink: b.sink}
	b.sink.Store(inner)
	t.Cleanup(inner.awaitIdle)
	return inner
}

func (b *bed) print(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line)
}

func (b *bed) printed() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.lines...)
}

// open opens one more gateway of the same transport.
func (b *bed) open(keys string) *luagw.Gateway {
	b.Helper()
	gw, err := b.group.Open(b.ctx, b.tr.spec+keys)
	if err != nil {
		b.Fatal(err)
	}
	return gw
}

// needsProcess skips where an agent shares this process.
func (b *bed) needsProcess(why string) {
	if !b.tr.process {
		b.Skip("in process: " + why)
	}
}

// served says whether a server starts the agents, and not this side.
func (b *bed) served() bool {
	kind, _, _ := strings.Cut(b.tr.spec, ":")
	return kind == "ssh" || kind == "tcp" || kind == "unix"
}

// bounded is a context which fails a test that hangs.
func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// exec runs a fragment of testdata/lua, which ends with the test.
func (b *bed) exec(name string, args ...any) *luagw.Channel {
	b.Helper()
	return b.execOn(b.gw, name, args...)
}

func (b *bed) execOn(gw *luagw.Gateway, name string, args ...any) *luagw.Channel {
	b.Helper()
	c, err := gw.RemoteExecFile(b.ctx, testFragments, name, args...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return c
}

func (b *bed) newChannel() *luagw.Channel {
	b.Helper()
	c, err := b.gw.NewChannel(b.ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return c
}

// call runs a source on the gateway and returns its results.
func (b *bed) call(source string, args ...any) []any {
	b.Helper()
	results, err := b.gw.Call(b.ctx, source, args...)
	if err != nil {
		b.Fatal(err)
	}
	return results
}

func (b *bed) send(c *luagw.Channel, items ...any) {
	b.Helper()
	for _, item := range items {
		if err := c.Send(b.ctx, item); err != nil {
			b.Fatalf("Send(%v): %v", item, err)
		}
	}
}

// receive checks that the next items are as wanted.
func (b *bed) receive(c *luagw.Channel, want ...any) {
	b.Helper()
	for _, item := range want {
		got, err := c.Receive(b.ctx)
		if err != nil || !reflect.DeepEqual(got, item) {
			b.Fatalf("Receive = %v (%T), %v; want %v", got, got, err, item)
		}
	}
}

// eof checks that nothing more comes, however often one asks.
func (b *bed) eof(c *luagw.Channel) {
	b.Helper()
	for range 3 {
		if got, err := c.Receive(b.ctx); err != io.EOF {
			b.Fatalf("Receive = %v, %v; want io.EOF every time", got, err)
		}
	}
}

func (b *bed) wait(c *luagw.Channel) {
	b.Helper()
	if err := c.Wait(b.ctx); err != nil {
		b.Fatalf("Wait: %v", err)
	}
}

// remote checks that err is a fragment's error with that text.
func (b *bed) remote(err error, want string) *luagw.RemoteError {
	b.Helper()
	remote, ok := errors.AsType[*luagw.RemoteError](err)
	if !ok || !strings.Contains(remote.Message, want) {
		b.Fatalf("got %T %v, want a RemoteError with %q", err, err, want)
	}
	return remote
}

// fails checks that a channel has failed with that text, everywhere and every
// time.
func (b *bed) fails(c *luagw.Channel, want string) {
	b.Helper()
	for range 2 {
		_, err := c.Receive(b.ctx)
		b.remote(err, want)
		b.remote(c.Wait(b.ctx), want)
		_, err = c.Results(b.ctx)
		b.remote(err, want)
		b.remote(c.Err(), want)
	}
}

// equal checks a value.
func (b *bed) equal(what string, got, want any) {
	b.Helper()
	if !reflect.DeepEqual(got, want) {
		b.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// await polls until ok.
func await(t testing.TB, what string, within time.Duration, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s in vain", within, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// awaitStatus polls until the agent's status is as wanted.
func (b *bed) awaitStatus(want string, ok func(luagw.Status) bool) {
	b.Helper()
	deadline := time.Now().Add(4 * time.Second)
	for {
		st, err := b.gw.Status(b.ctx)
		if err != nil {
			b.Fatalf("Status: %v", err)
		}
		if ok(st) {
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("status stays %+v, want %s", st, want)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// awaitIdle checks that neither side keeps anything of what has ended.
func (b *bed) awaitIdle() {
	b.Helper()
	b.ctx = bounded(b.T)
	b.awaitStatus("nothing at work", func(st luagw.Status) bool { return st.Executing == 0 && st.Channels == 0 })
	await(b.T, "the near side to forget its channels", 5*time.Second, func() bool { return luagw.OpenChannels(b.gw) == 0 })
}

// fragmentNames lists the fragments which have a wanted transcript beside them.
func fragmentNames(t *testing.T) []string {
	wants, err := fs.Glob(testFragments, "*.want")
	if err != nil || len(wants) == 0 {
		t.Fatalf("no transcripts in testdata/lua: %v", err)
	}
	for i, want := range wants {
		wants[i] = strings.TrimSuffix(want, filepath.Ext(want))
	}
	return wants
}

// transcript is all that a fragment does: a line for each item, printed line
// and result, and its error.
func (b *bed) transcript(name string) string {
	var text strings.Builder
	c := b.exec(name+".lua", "first", 2)
	for item, err := range c.Items(b.ctx) {
		if err == nil {
			fmt.Fprintf(&text, "item: %#v\n", item)
		}
	}
	results, err := c.Results(b.ctx)
	for _, line := range b.printed() {
		fmt.Fprintf(&text, "print: %s\n", line)
	}
	for _, result := range results {
		fmt.Fprintf(&text, "result: %#v\n", result)
	}
	if err == nil {
		return text.String()
	}
	remote := b.remote(err, "")
	if remote.Value != nil {
		fmt.Fprintf(&text, "error: %#v\n", remote.Value)
	} else {
		fmt.Fprintf(&text, "error: %s\n", remote.Message)
	}
	return text.String()
}
