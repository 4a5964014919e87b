package luagw_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/lua"
)

// mute is a connection to an agent that is not heard until it is released.
type mute struct {
	io.ReadWriteCloser
	released chan struct{}
	written  atomic.Int64
}

func (m *mute) Read(p []byte) (int, error) {
	<-m.released
	return m.ReadWriteCloser.Read(p)
}

func (m *mute) Write(p []byte) (int, error) {
	n, err := m.ReadWriteCloser.Write(p)
	m.written.Add(int64(n))
	return n, err
}

func TestStartSpeaksAheadOfTheHello(t *testing.T) {
	ctx := bounded(t)
	conn := &mute{released: make(chan struct{})}
	inside := luagw.InProcess(&lua.Runtime{})
	g := &luagw.Group{Dial: func(ctx context.Context, spec *luagw.Spec) (c io.ReadWriteCloser, err error) {
		conn.ReadWriteCloser, err = inside(ctx, spec)
		return conn, err
	}}
	defer g.Close()
	gw, err := g.Start(ctx, &luagw.Spec{Kind: "popen"})
	if err != nil {
		t.Fatal(err)
	}
	before := conn.written.Load()
	ch, err := gw.RemoteExec(ctx, "return 'early'")
	if err != nil {
		t.Fatal(err)
	}
	if conn.written.Load() == before {
		t.Error("the fragment was not sent ahead")
	}
	if info := gw.Info(); info != (luagw.Info{}) {
		t.Errorf("Info before the hello = %+v, want nothing", info)
	}
	ended, end := context.WithCancel(ctx)
	end()
	if err := gw.Opened(ended); err != context.Canceled {
		t.Errorf("Opened before the hello = %v, want %v", err, context.Canceled)
	}
	close(conn.released)
	if results, err := ch.Results(ctx); err != nil || len(results) != 1 || results[0] != "early" {
		t.Errorf("got %v, %v; want early", results, err)
	}
	if err := gw.Opened(ended); err != nil {
		t.Errorf("Opened after the hello = %v", err)
	}
	if gw.Info().OS == "" {
		t.Error("Info after the hello tells nothing")
	}
}

func TestStartOfWhatIsNoAgent(t *testing.T) {
	ctx := bounded(t)
	g := &luagw.Group{Dial: gateways.Dial}
	defer g.Close()
	gw, err := g.Start(ctx, &luagw.Spec{Kind: "exec", Target: `sh -c "cat >/dev/null; echo no such thing >&2; exit 3"`, Params: map[string]string{"timeout": "300ms"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = gw.Call(ctx, "return 1")
	for _, err := range []error{err, gw.Opened(ctx), gw.Err()} {
		if open, ok := errors.AsType[*luagw.OpenError](err); !ok || open.Stage != luagw.StageHello {
			t.Errorf("got %T %v, want an OpenError of stage hello", err, err)
		}
	}
	<-gw.Done()
	if _, ok := g.Gateway(gw.ID()); ok {
		t.Error("it is still in its group")
	}
}

// What came ahead of settings that the agent cannot take is not run.
func TestStartWithSettingsThatAreRefused(t *testing.T) {
	ctx := bounded(t)
	g := &luagw.Group{Dial: gateways.Dial}
	defer g.Close()
	trace := filepath.Join(t.TempDir(), "ran")
	gw, err := g.Start(ctx, &luagw.Spec{Kind: "popen", Dir: "/dev/null/nowhere"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = gw.Call(ctx, "fs.write(..., 'x')", trace)
	if open, ok := errors.AsType[*luagw.OpenError](err); !ok || open.Stage != luagw.StageBootstrap || !strings.Contains(err.Error(), "/dev/null/nowhere") {
		t.Errorf("got %v, want an OpenError of stage bootstrap that names the directory", err)
	}
	<-gw.Done()
	if _, err := os.Stat(trace); err == nil {
		t.Error("the fragment was run without its settings")
	}
}

// bringing is a mute connection that is busy bringing an agent.
type bringing struct {
	mute
	moved atomic.Int64
}

func (b *bringing) Progress() int64 { return b.moved.Load() }

// openSlowly opens a gateway whose agent says hello after some moves on its way,
// and a time in which nothing moves.
func openSlowly(t *testing.T, moves int, still time.Duration) (err error) {
	synctest.Test(t, func(t *testing.T) {
		conn := &bringing{mute: mute{released: make(chan struct{})}}
		inside := luagw.InProcess(&lua.Runtime{})
		g := &luagw.Group{Dial: func(ctx context.Context, spec *luagw.Spec) (c io.ReadWriteCloser, err error) {
			conn.ReadWriteCloser, err = inside(ctx, spec)
			return conn, err
		}}
		defer g.Close()
		go func() { // ends after its moves
			defer close(conn.released)
			for range moves {
				time.Sleep(9 * time.Second)
				conn.moved.Add(1)
			}
			time.Sleep(still)
		}()
		_, err = g.Open(t.Context(), "popen//timeout=10s")
	})
	return err
}

// An agent on a slow way may take longer than the timeout, which counts from the
// last byte that moved.
func TestOpeningGoesOnWhileTheAgentIsOnItsWay(t *testing.T) {
	if err := openSlowly(t, 20, time.Second); err != nil {
		t.Errorf("with an agent that takes three minutes to come: %v", err)
	}
	for _, moves := range []int{0, 3} {
		if err := openSlowly(t, moves, time.Minute); err == nil || !strings.Contains(err.Error(), "nothing came for 10s") {
			t.Errorf("with an agent that stops after %d moves: %v, want that nothing came for 10s", moves, err)
		}
	}
}

// Nobody reads what is said ahead: the first write waits, and the opening ends in
// time nevertheless.
func TestOpeningWhereNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer time.AfterFunc(time.Minute, func() { far.Close() }).Stop()
		g := &luagw.Group{Dial: func(context.Context, *luagw.Spec) (io.ReadWriteCloser, error) { return near, nil }}
		defer g.Close()
		began := time.Now()
		_, err := g.Open(t.Context(), "popen//timeout=10s")
		if err == nil || !strings.Contains(err.Error(), "nothing came for 10s") {
			t.Errorf("got %v, want that nothing came for 10s", err)
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("it took %v, want 10s", took)
		}
	})
}

// dying is a connection to an agent that says nothing behind the hello, and then is
// dead.
type dying struct {
	io.ReadWriteCloser
	seen    string
	reading chan struct{} // closed when the hello was read
	dead    chan struct{}
}

func (d *dying) Read(p []byte) (int, error) {
	if strings.HasSuffix(d.seen, "}\n") {
		close(d.reading)
		<-d.dead
		return 0, io.EOF
	}
	n, err := d.ReadWriteCloser.Read(p[:1])
	d.seen += string(p[:n])
	return n, err
}

// An agent that ends before it has taken its settings has not ended well, and
// nothing that was started with it has.
func TestStartOfAnAgentThatEndsAtOnce(t *testing.T) {
	ctx := bounded(t)
	conn := &dying{reading: make(chan struct{}), dead: make(chan struct{})}
	inside := luagw.InProcess(&lua.Runtime{})
	g := &luagw.Group{Dial: func(ctx context.Context, spec *luagw.Spec) (c io.ReadWriteCloser, err error) {
		conn.ReadWriteCloser, err = inside(ctx, spec)
		return conn, err
	}}
	defer g.Close()
	gw, err := g.Start(ctx, &luagw.Spec{Kind: "popen", Env: map[string]string{"A": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	<-conn.reading
	ch, err := gw.RemoteExec(ctx, "channel:receive()")
	if err != nil {
		t.Fatal(err)
	}
	close(conn.dead)
	_, receiveErr := ch.Receive(ctx)
	_, resultsErr := ch.Results(ctx)
	var itemsErr error
	for _, itemsErr = range ch.Items(ctx) {
	}
	_, err = io.ReadAll(ch.Reader(ctx))
	for what, err := range map[string]error{
		"Receive": receiveErr, "Results": resultsErr, "Items": itemsErr, "Reader": err, "Wait": ch.Wait(ctx), "Err": ch.Err(),
		"Opened": gw.Opened(ctx), "the gateway's Err": gw.Err(),
	} {
		open, ok := errors.AsType[*luagw.OpenError](err)
		if !ok || open.Stage != luagw.StageBootstrap || errors.Is(err, io.EOF) {
			t.Errorf("%s: got %T %v, want an OpenError of stage bootstrap, and not io.EOF", what, err, err)
		}
	}
}
