package mux

import (
	"bytes"
	"context"
	"io"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of a test for something that should happen.
const patience = 20 * time.Second

// connect makes the two ends of a connection.
type connect func(t testing.TB) (near, far io.ReadWriteCloser)

// connections are the kinds of connections that sessions are tested over.
var connections = []struct {
	name    string
	connect connect
}{
	{"memory", func(testing.TB) (near, far io.ReadWriteCloser) { return memoryPipe() }},
	{"memory with deadlines", func(testing.TB) (near, far io.ReadWriteCloser) { return timedPipe() }},
	{"pipes", filePipe},
}

// onEach runs a test over each kind of connection.
func onEach(t *testing.T, test func(t *testing.T, connect connect)) {
	for _, c := range connections {
		t.Run(c.name, func(t *testing.T) { test(t, c.connect) })
	}
}

// pair returns two sessions which are connected, and closed with the test.
func pair(t testing.TB, connect connect, cfg *Config) (client, server *Session) {
	t.Helper()
	near, far := connect(t)
	return sessions(t, near, far, cfg, cfg)
}

func sessions(t testing.TB, near, far io.ReadWriteCloser, nearCfg, farCfg *Config) (client, server *Session) {
	t.Helper()
	client, err := Client(near, nearCfg)
	if err != nil {
		t.Fatalf("Client: %v", err)
	}
	t.Cleanup(func() { client.Close() })
	server, err = Server(far, farCfg)
	if err != nil {
		t.Fatalf("Server: %v", err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}

// memory is pair over a connection in memory whose near end is at hand. The
// settings are the client's; the server's are the defaults.
func memory(t testing.TB, cfg *Config) (client, server *Session, near *memoryConn) {
	t.Helper()
	near, far := memoryPipe()
	client, server = sessions(t, near, far, cfg, nil)
	return client, server, near
}

// stream opens a stream on both sides.
func stream(t testing.TB, client, server *Session) (near, far *Stream) {
	t.Helper()
	near, err := client.Open(testContext(t))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return near, accept(t, server)
}

func accept(t testing.TB, s *Session) *Stream {
	t.Helper()
	st, err := s.Accept(testContext(t))
	if err != nil {
		t.Fatalf("Accept: %v", err)
	}
	return st
}

// testContext ends after patience, or with the test.
func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// settle returns when each side has handled all that the other sent before.
func settle(t testing.TB, client, server *Session) {
	t.Helper()
	for _, s := range []*Session{client, server} {
		if _, err := s.Ping(); err != nil {
			t.Fatalf("Ping: %v", err)
		}
	}
}

// wait fails the test if done is not closed in time.
func wait(t testing.TB, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s: nothing within %v", what, patience)
	}
}

// during runs f on a goroutine and returns a channel that is closed when f
// has returned.
func during(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}

// filePipe is a connection made of two of the system's pipes.
func filePipe(t testing.TB) (near, far io.ReadWriteCloser) {
	t.Helper()
	return filePipes(t)
}

func filePipes(t testing.TB) (near, far *stdio) {
	t.Helper()
	r1, w1, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r2, w2, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	near, far = newStdio(r1, w2), newStdio(r2, w1)
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// memoryPipe is a connection that holds what would be in flight, as pipes do.
func memoryPipe() (near, far *memoryConn) {
	there, back := newLane(), newLane()
	return &memoryConn{in: back, out: there}, &memoryConn{in: there, out: back}
}

// memoryConn is one end of a connection in memory.
type memoryConn struct{ in, out *lane }

func (c *memoryConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *memoryConn) Write(p []byte) (int, error) { return c.out.write(p) }

// Close ends both directions: the peer reads what was written and then io.EOF.
func (c *memoryConn) Close() error {
	c.in.end(os.ErrClosed, syscall.EPIPE)
	c.out.end(io.EOF, os.ErrClosed)
	return nil
}

// cut makes everything fail with err on both ends.
func (c *memoryConn) cut(err error) {
	for _, l := range []*lane{c.in, c.out} {
		l.drop()
		l.end(err, err)
	}
}

// timedPipe is a connection in memory whose Reads can be interrupted.
func timedPipe() (near, far *timedConn) {
	a, b := memoryPipe()
	return &timedConn{a}, &timedConn{b}
}

type timedConn struct{ *memoryConn }

// SetReadDeadline takes a moment that has passed, or none.
func (c *timedConn) SetReadDeadline(t time.Time) error {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.in.late = !t.IsZero()
	c.in.changed.Broadcast()
	return nil
}

// lane is one direction of a connection in memory.
type lane struct {
	mu       sync.Mutex
	changed  *sync.Cond
	buf      bytes.Buffer
	room     int   // Write blocks while so much is in buf
	blocked  int   // writers that wait for room
	late     bool  // Read's deadline has passed
	writes   int   // calls of write
	written  int   // bytes
	readErr  error // of Read when buf is empty; nil while the lane is open
	writeErr error // of Write; nil while the lane is open
}

func newLane() *lane {
	l := &lane{room: 1 << 16}
	l.changed = sync.NewCond(&l.mu)
	return l
}

func (l *lane) read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.buf.Len() == 0 && l.readErr == nil && !l.late {
		l.changed.Wait()
	}
	if l.late {
		return 0, os.ErrDeadlineExceeded
	}
	if l.buf.Len() == 0 {
		return 0, l.readErr
	}
	l.changed.Broadcast()
	return l.buf.Read(p)
}

func (l *lane) write(p []byte) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes++
	for len(p) > 0 {
		l.blocked++
		for l.buf.Len() >= l.room && l.writeErr == nil {
			l.changed.Wait()
		}
		l.blocked--
		if l.writeErr != nil {
			return n, l.writeErr
		}
		m, _ := l.buf.Write(p[:min(len(p), l.room-l.buf.Len())])
		n, p = n+m, p[m:]
		l.written += m
		l.changed.Broadcast()
	}
	return n, nil
}

// end keeps the first errors, which are those of the end that closed first.
func (l *lane) end(readErr, writeErr error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readErr == nil {
		l.readErr = readErr
	}
	if l.writeErr == nil {
		l.writeErr = writeErr
	}
	l.changed.Broadcast()
}

// failWrites makes only the writer see an error, as of a pipe whose reader is
// gone.
func (l *lane) failWrites(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writeErr = err
	l.changed.Broadcast()
}

func (l *lane) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Reset()
}

// stall makes the lane take no more bytes.
func (l *lane) stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.room = 0
}

// waiting is how many writers wait for room.
func (l *lane) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blocked
}

func (l *lane) counts() (writes, written int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writes, l.written
}
