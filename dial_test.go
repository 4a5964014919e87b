package luagw_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
)

// farConn is what a connection that an agent forwards can do.
type farConn interface {
	io.ReadWriteCloser
	luagw.Exiter
	CloseWrite() error
	WatchStderr(io.Writer)
	SetReadDeadline(time.Time) error
}

// via opens a gateway to reach further through.
func via(t *testing.T) *bed {
	t.Helper()
	return newBed(t, transport{"popen", "popen", gateways.Dial, true}, "//id=hop")
}

func (b *bed) dial(text string) farConn {
	b.Helper()
	conn, err := b.gw.Dial(b.ctx, b.parse(text))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return conn.(farConn)
}

func (b *bed) parse(text string) *luagw.Spec {
	b.Helper()
	spec, err := luagw.ParseSpec(text)
	if err != nil {
		b.Fatal(err)
	}
	return spec
}

// listen serves every connection to a listener of the network by serve, and
// returns the spec that reaches it.
func listen(t *testing.T, network string, serve func(halfConn)) string {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				defer conn.Close()
				serve(conn.(halfConn))
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		served.Wait()
	})
	return network + ":" + listener.Addr().String()
}

// halfConn is a connection whose directions end one by one.
type halfConn interface {
	net.Conn
	CloseWrite() error
}

// count answers with the number of bytes, when all have come.
func count(conn halfConn) {
	n, _ := io.Copy(io.Discard, conn)
	fmt.Fprintf(conn, "%d bytes", n)
}

func TestDialThroughAnAgent(t *testing.T) {
	b := via(t)
	for _, tt := range []struct{ name, spec string }{
		{"exec", `exec=sh -c 'echo $(wc -c) bytes'`},
		{"tcp", listen(t, "tcp", count)},
		{"tcp by name", strings.Replace(listen(t, "tcp", count), "127.0.0.1", "localhost", 1)},
		{"unix", listen(t, "unix", count)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := b.with(t)
			conn := b.dial(tt.spec)
			if _, err := conn.Write(make([]byte, 3<<20)); err != nil { // more than windows hold
				t.Fatal(err)
			}
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(conn)
			if err != nil || strings.TrimSpace(string(got)) != "3145728 bytes" {
				t.Errorf("got %q, %v; want 3145728 bytes", got, err)
			}
			if _, err := conn.Write([]byte("x")); !errors.Is(err, luagw.ErrClosed) {
				t.Errorf("Write after CloseWrite: %v, want ErrClosed", err)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFarEndIsDoneFirst has the far end close its direction, and then take what
// still comes.
func TestFarEndIsDoneFirst(t *testing.T) {
	b := via(t)
	got := make(chan int64, 1)
	conn := b.dial(listen(t, "tcp", func(conn halfConn) {
		conn.CloseWrite()
		n, _ := io.Copy(io.Discard, conn)
		got <- n
	}))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("Read = %d, %v; want EOF", n, err)
	}
	if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	conn.CloseWrite()
	if n := <-got; n != 1<<20 {
		t.Errorf("the far end got %d bytes, want %d", n, 1<<20)
	}
}

// TestFarEndTakesNoMore writes to what has gone.
func TestFarEndTakesNoMore(t *testing.T) {
	b := via(t)
	conn := b.dial("exec=sh -c 'exec <&-; echo deaf; sleep 0.1'")
	written := make(chan error, 1)
	go func() { // ends with the connection
		_, err := conn.Write(make([]byte, 8<<20))
		written <- err
	}()
	if got, err := io.ReadAll(conn); string(got) != "deaf\n" || err != nil {
		t.Errorf("got %q, %v; want deaf", got, err)
	}
	select {
	case <-written: // to nobody
	case <-b.ctx.Done():
		t.Error("Write hangs")
	}
}

func TestExitThroughAnAgent(t *testing.T) {
	b := via(t)
	for _, tt := range []struct {
		name, script string
		want         luagw.Exit
	}{
		{"in order", "exit 0", luagw.Exit{}},
		{"with a message", "echo no such thing >&2; exit 3", luagw.Exit{Code: 3, Stderr: "no such thing\n"}},
		{"by a signal", "echo bye >&2; kill $$", luagw.Exit{Code: -1, Signal: "terminated", Stderr: "bye\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := b.with(t)
			conn := b.dial("exec=sh -c '" + tt.script + "'")
			if _, err := io.ReadAll(conn); err != nil {
				t.Error(err)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			if got := conn.Exit(b.ctx); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// lines is a writer that hands on whatever comes.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestStderrThroughAnAgent(t *testing.T) {
	b := via(t)
	conn := b.dial(`exec=sh -c 'printf "Password: " >&2; read answer; printf "got %s" "$answer" >&2; cat'`)
	said := make(lines, 8)
	conn.WatchStderr(said)
	if got := b.next(said); got != "Password: " {
		t.Fatalf("got %q, want a prompt", got)
	}
	io.WriteString(conn, "secret\n")
	if got := b.next(said); got != "got secret" {
		t.Errorf("got %q, want the answer", got)
	}
}

func (b *bed) next(said lines) string {
	select {
	case text := <-said:
		return text
	case <-b.ctx.Done():
		b.Fatal("nothing came")
		return ""
	}
}

func TestDialErrorsNameTheHop(t *testing.T) {
	b := via(t)
	refused := listen(t, "tcp", count)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, tt := range []struct {
		name, spec string
		stage      luagw.Stage
		want       string
	}{
		{"no program", "exec=/nonexistent/agent", luagw.StageResolve, `hop: program "/nonexistent/agent": no such file or directory`},
		{"no executable", "popen:/etc/passwd", luagw.StageResolve, `hop: program "/etc/passwd": permission denied`},
		{"port closed", "tcp:" + closed.Addr().String(), luagw.StageDial, "hop: connect to " + closed.Addr().String() + ": connection refused"},
		{"no socket", "unix:/nonexistent/s", luagw.StageDial, `hop: connect to "/nonexistent/s": no such file or directory`},
		{"no such name", "tcp:no-such-host.invalid", luagw.StageResolve, `hop: host "no-such-host.invalid": `},
		{"ssh", "ssh:web1", luagw.StageDial, "hop: an agent does not reach ssh"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := b.gw.Dial(bounded(t), b.parse(tt.spec))
			open, ok := errors.AsType[*luagw.OpenError](err)
			if !ok || conn != nil {
				t.Fatalf("got %v, %v; want an OpenError", conn, err)
			}
			if open.Stage != tt.stage || !strings.Contains(err.Error(), string(tt.stage)+": "+tt.want) {
				t.Errorf("got %q, want stage %s and %q", err, tt.stage, tt.want)
			}
		})
	}
	b.dial(refused) // the agent goes on
}

// TestHopsOfAChain names each hop in the error of the last.
func TestHopsOfAChain(t *testing.T) {
	g := &luagw.Group{Dial: gateways.Dial}
	defer g.Close()
	ctx := bounded(t)
	if _, err := g.OpenAll(ctx, "popen//id=a"); err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{"popen//id=b//via=a", "popen//id=c//via=b"} {
		if _, err := g.Open(ctx, spec); err != nil {
			t.Fatal(err)
		}
	}
	a, _ := g.Gateway("a")
	c, _ := g.Gateway("c")
	results, err := c.Call(ctx, "return 6 * 7")
	if err != nil || results[0] != int64(42) {
		t.Fatalf("Call = %v, %v; want 42", results, err)
	}
	_, err = g.Open(ctx, "exec=/nonexistent//via=c//id=d")
	if want := `open "exec=/nonexistent//id=d//via=c": resolve: c: program "/nonexistent": no such file or directory`; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	process, err := os.FindProcess(a.Info().PID)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Call(ctx, "return 1"); err == nil || !strings.HasPrefix(err.Error(), "gateway c lost: gateway b lost: gateway a lost: ") {
		t.Errorf("got %v, want that c, b and a are lost", err)
	}
}

// TestClosedViaSaysSo closes the gateway that another goes through.
func TestClosedViaSaysSo(t *testing.T) {
	b := via(t)
	further, err := b.group.Open(b.ctx, "popen//via=hop//id=further")
	if err != nil {
		t.Fatal(err)
	}
	b.gw.Close()
	<-further.Done()
	want := "gateway further lost: hop, which it went through, was closed"
	if err := further.Err(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// TestDialThatNobodyWaitsFor ends the wait for an answer, and the dial with it.
func TestDialThatNobodyWaitsFor(t *testing.T) {
	dialling, ended := make(chan struct{}), make(chan error, 1)
	stuck := func(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
		close(dialling)
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}
	b := newBed(t, transport{"agent", "popen", agentThatDials(t, stuck), false}, "//id=hop")
	ctx, cancel := context.WithCancel(b.ctx)
	go func() {
		<-dialling
		cancel()
	}()
	conn, err := b.gw.Dial(ctx, b.parse("tcp:192.0.2.1"))
	if conn != nil || err == nil || !strings.Contains(err.Error(), "hop: no answer in time") {
		t.Errorf("got %v, %v; want an error", conn, err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the agent's dial ended with %v, want that it was cancelled", err)
		}
	case <-b.ctx.Done():
		t.Error("the agent's dial goes on")
	}
}

// agentThatDials dials an agent in this process which reaches further by dial.
func agentThatDials(t *testing.T, dial luagw.DialFunc) luagw.DialFunc {
	return func(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
		near, far := net.Pipe()
		served := make(chan struct{})
		agent := &luagw.Agent{Runner: nothing{}, Dial: dial}
		go func() { // ends with near
			defer close(served)
			agent.Serve(context.Background(), far)
		}()
		t.Cleanup(func() {
			near.Close()
			<-served
		})
		return near, nil
	}
}

// nothing runs no chunks.
type nothing struct{}

func (nothing) Run(context.Context, *luagw.Chunk, *luagw.Channel) error { return nil }

func TestReadThatIsClosed(t *testing.T) {
	b := via(t)
	conn := b.dial("exec=cat")
	failed := make(chan error, 1)
	go func() { // ends with the connection
		_, err := conn.Read(make([]byte, 1))
		failed <- err
	}()
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; !errors.Is(err, luagw.ErrClosed) && err != io.EOF {
		t.Errorf("Read: got %v, want ErrClosed or EOF", err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, luagw.ErrClosed) && err != io.EOF {
		t.Errorf("Read after Close: got %v, want ErrClosed or EOF", err)
	}
}

// TestAgentWhoseFileIsGone starts copies of an agent that has been replaced.
func TestAgentWhoseFileIsGone(t *testing.T) {
	if _, err := os.Stat("/proc/self/exe"); err != nil {
		t.Skip("there is no /proc here by which a program finds itself")
	}
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "agent")
	if err := os.WriteFile(path, self, 0o700); err != nil {
		t.Fatal(err)
	}
	b := newBed(t, transport{"exec", "exec=env LUAGW_SERVE=stdio " + path, gateways.Dial, true}, "//id=hop")
	for _, change := range []struct {
		name string
		make func() error
	}{
		{"as it was", func() error { return nil }},
		{"removed", func() error { return os.Remove(path) }},
		{"replaced", func() error { return os.WriteFile(path, []byte("#!/bin/sh\nexit 9\n"), 0o700) }},
	} {
		if err := change.make(); err != nil {
			t.Fatal(err)
		}
		gw, err := b.group.Open(b.ctx, "popen//via=hop")
		if err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		gw.Close()
	}
}

// BenchmarkForward is how fast an agent forwards, in both directions at once.
func BenchmarkForward(b *testing.B) {
	g := &luagw.Group{Dial: gateways.Dial}
	defer g.Close()
	ctx := bounded(b)
	gw, err := g.Open(ctx, "popen")
	if err != nil {
		b.Fatal(err)
	}
	spec := &luagw.Spec{Kind: "exec", Target: "cat"}
	conn, err := gw.Dial(ctx, spec)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	piece := bytes.Repeat([]byte("x"), 64<<10)
	b.SetBytes(int64(len(piece)))
	go func() { // ends with the connection
		for range b.N {
			conn.Write(piece)
		}
	}()
	buf := make([]byte, len(piece))
	for range b.N {
		if _, err := io.ReadFull(conn, buf); err != nil {
			b.Fatal(err)
		}
	}
}
