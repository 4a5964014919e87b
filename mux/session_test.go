package mux

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestOpenHundredsBeforeAnyIsAccepted(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		for i := range backlog {
			st, err := client.Open(testContext(t))
			if err != nil {
				t.Fatalf("Open %d: %v", i, err)
			}
			if _, err := fmt.Fprintf(st, "%03d", i); err != nil {
				t.Fatalf("Write %d: %v", i, err)
			}
		}
		for i := range backlog {
			got := make([]byte, 3)
			if _, err := io.ReadFull(accept(t, server), got); err != nil {
				t.Fatalf("Read %d: %v", i, err)
			}
			if want := fmt.Sprintf("%03d", i); string(got) != want {
				t.Fatalf("stream %d: got %q, want %q", i, got, want)
			}
		}
	})
}

func TestOpenWithFullBacklogEndsWithContext(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		for range backlog {
			if _, err := client.Open(testContext(t)); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
			_, err := client.Open(ctx)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("Open with full backlog: got %v, want %v", err, context.DeadlineExceeded)
			}
		}
		for range backlog {
			accept(t, server)
		}
		near, far := stream(t, client, server)
		checkCarries(t, near, far, "still works")
		settle(t, client, server)
		if got, want := server.NumStreams(), backlog+1; got != want {
			t.Errorf("NumStreams: got %d, want %d: an Open that gave up left a stream", got, want)
		}
	})
}

func TestOpenDoesNotWaitForAFullConnection(t *testing.T) {
	client, server, near := memory(t, nil)
	st, _ := stream(t, client, server)
	settle(t, client, server)
	near.out.stall()
	go st.Write([]byte("x"))
	for near.out.waiting() == 0 {
		runtime.Gosched()
	}
	opened := during(func() {
		if _, err := client.Open(testContext(t)); err != nil {
			t.Errorf("Open: %v", err)
		}
	})
	wait(t, "Open", opened)
	near.Close()
}

func TestOpenDoesNotAskForAnEndedContext(t *testing.T) {
	client, _ := pair(t, filePipe, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := client.Open(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: got %v, want %v", err, context.Canceled)
	}
	if got := client.NumStreams(); got != 0 {
		t.Errorf("NumStreams: got %d, want 0", got)
	}
}

func TestOpenFromManyGoroutines(t *testing.T) {
	client, server := pair(t, filePipe, nil)
	const openers, each = 8, 100
	var group sync.WaitGroup
	for range openers {
		group.Go(func() {
			for range each {
				st, err := client.Open(testContext(t))
				if err != nil {
					t.Errorf("Open: %v", err)
					return
				}
				st.Close()
			}
		})
	}
	for range openers * each {
		accept(t, server).Close()
	}
	group.Wait()
	settle(t, client, server)
	if got := client.NumStreams(); got != 0 {
		t.Errorf("NumStreams: got %d, want 0", got)
	}
}

func TestAcceptEndsWithContext(t *testing.T) {
	_, server := pair(t, filePipe, nil)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(time.Millisecond, cancel)
	if _, err := server.Accept(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Accept: got %v, want %v", err, context.Canceled)
	}
	if err := server.Err(); err != nil {
		t.Errorf("Err: got %v, want none", err)
	}
}

// nonsense is a header of a version that does not exist.
var nonsense = []byte{9, headerSize - 1: 0}

// deaths are ways for a session to end, and the errors to be seen on the near
// side.
var deaths = []struct {
	name    string
	kill    func(near *memoryConn, client, server *Session)
	session error // of the session itself
	stream  error // of its streams
}{
	{
		name:    "cut",
		kill:    func(near *memoryConn, _, _ *Session) { near.cut(syscall.ECONNRESET) },
		session: syscall.ECONNRESET,
		stream:  syscall.ECONNRESET,
	}, {
		name:    "peer hangs up",
		kill:    func(_ *memoryConn, _, server *Session) { server.Close() },
		session: io.EOF,
		stream:  io.ErrUnexpectedEOF,
	}, {
		name:    "closed here",
		kill:    func(_ *memoryConn, client, _ *Session) { client.Close() },
		session: ErrClosed,
		stream:  ErrClosed,
	}, {
		name:    "nonsense",
		kill:    func(near *memoryConn, _, _ *Session) { near.in.write(nonsense) },
		session: nil, // yamux's own, wrapped
	},
}

func TestDeathHasOneCauseEverywhereAndEveryTime(t *testing.T) {
	for _, death := range deaths {
		t.Run(death.name, func(t *testing.T) {
			client, server, near := memory(t, nil)
			reading, _ := stream(t, client, server)
			idle, _ := stream(t, client, server)
			accepting := make(chan error, 1)
			go func() {
				_, err := client.Accept(context.Background())
				accepting <- err
			}()
			read := make(chan error, 1)
			go func() {
				_, err := reading.Read(make([]byte, 1))
				read <- err
			}()

			death.kill(near, client, server)
			wait(t, "Done", client.Done())

			session, stream := death.session, death.stream
			if session == nil {
				session = client.Err()
				stream = session
			}
			for i := range 5 {
				check := func(call string, got, want error) {
					t.Helper()
					if got != want {
						t.Errorf("%s, round %d: got %v, want %v", call, i, got, want)
					}
				}
				check("Err", client.Err(), session)
				_, err := client.Open(context.Background())
				check("Open", err, session)
				_, err = client.Accept(context.Background())
				check("Accept", err, session)
				_, err = client.Ping()
				check("Ping", err, session)
				for _, st := range []*Stream{reading, idle} {
					_, err = st.Read(make([]byte, 1))
					check("Read", err, stream)
					_, err = st.Write([]byte("x"))
					check("Write", err, stream)
				}
			}
			if err := <-read; err != stream {
				t.Errorf("Read in progress: got %v, want %v", err, stream)
			}
			if err := <-accepting; err != session {
				t.Errorf("Accept in progress: got %v, want %v", err, session)
			}
		})
	}
}

func TestErrIsNilWhileTheSessionLives(t *testing.T) {
	client, server := pair(t, filePipe, nil)
	settle(t, client, server)
	if err := client.Err(); err != nil {
		t.Errorf("Err: got %v, want none", err)
	}
}

func TestErrClosedIsTheStandardLibrarys(t *testing.T) {
	if !errors.Is(ErrClosed, net.ErrClosed) {
		t.Errorf("%v does not wrap net.ErrClosed", ErrClosed)
	}
}

// Streams that wait to be accepted stand before the reason in yamux's queue.
func TestProtocolErrorIsToldThoughStreamsWaitToBeAccepted(t *testing.T) {
	for range 50 {
		client, server, near := memory(t, nil)
		for range 20 {
			if _, err := client.Open(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		settle(t, client, server)
		near.out.write(nonsense)
		wait(t, "Done", server.Done())
		if err := server.Err(); !errors.Is(err, ErrProtocol) {
			t.Fatalf("Err: got %v, want %v", err, ErrProtocol)
		}
	}
}

func TestConnectionThatTakesNoBytesEndsTheSession(t *testing.T) {
	cfg := &Config{KeepAlive: 20 * time.Millisecond, Timeout: 50 * time.Millisecond}
	client, server, near := memory(t, cfg)
	st, _ := stream(t, client, server)
	near.out.stall()

	start := time.Now()
	wait(t, "Done", client.Done())
	if took, limit := time.Since(start), time.Second; took > limit {
		t.Errorf("took %v, want %v and some slack", took, cfg.KeepAlive+cfg.Timeout)
	}
	checkStalled(t, client, st)
}

func TestWriteToConnectionThatTakesNoBytesEndsTheSession(t *testing.T) {
	client, server, near := memory(t, &Config{KeepAlive: -1, Timeout: 50 * time.Millisecond})
	st, _ := stream(t, client, server)
	near.out.stall()
	if _, err := st.Write([]byte("x")); err != ErrStalled {
		t.Errorf("Write: got %v, want %v", err, ErrStalled)
	}
	wait(t, "Done", client.Done())
	checkStalled(t, client, st)
}

func TestPeerThatAnswersNoPingsEndsTheSession(t *testing.T) {
	near, far := memoryPipe()
	defer far.Close()
	client, err := Client(near, &Config{KeepAlive: 20 * time.Millisecond, Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	st, err := client.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	listening := during(func() { io.Copy(io.Discard, far) })
	wait(t, "Done", client.Done())
	checkStalled(t, client, st)
	client.Close()
	wait(t, "peer's read", listening)
}

// A peer whose answer is behind a lot of data is alive.
func TestPeerThatIsBusySendingIsNotStalled(t *testing.T) {
	near, far := memoryPipe()
	defer far.Close()
	client, err := Client(near, &Config{KeepAlive: 10 * time.Millisecond, Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i := range 5 {
		ping := make([]byte, headerSize)
		if _, err := io.ReadFull(far, ping); err != nil {
			t.Fatalf("ping %d: %v (session: %v)", i, err, client.Err())
		}
		ping[3], ping[8] = flagACK, 0xff // the answer to another ping
		far.Write(ping)
	}
	if err := client.Err(); err != nil {
		t.Errorf("Err: got %v, want none", err)
	}
}

func checkStalled(t *testing.T, s *Session, st *Stream) {
	t.Helper()
	if err := s.Err(); err != ErrStalled {
		t.Errorf("Err: got %v, want %v", err, ErrStalled)
	}
	if _, err := st.Read(make([]byte, 1)); err != ErrStalled {
		t.Errorf("Read: got %v, want %v", err, ErrStalled)
	}
	if _, err := st.Write([]byte("x")); err != ErrStalled {
		t.Errorf("Write: got %v, want %v", err, ErrStalled)
	}
}

func TestCloseFromManyGoroutines(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		st, _ := stream(t, client, server)
		var group sync.WaitGroup
		for i := range 16 {
			group.Go(func() {
				s := []*Session{client, server}[i%2]
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
				if s.Err() == nil {
					t.Error("Close returned before the session had ended")
				}
				st.Close()
			})
		}
		wait(t, "Close", during(group.Wait))
	})
}

func TestCloseSendsWhatIsHeld(t *testing.T) {
	for range 20 {
		near, far := memoryPipe()
		client, err := Client(near, nil)
		if err != nil {
			t.Fatal(err)
		}
		st, err := client.Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		st.Close()
		client.Close()
		sent, err := io.ReadAll(far)
		if err != nil || len(sent) != 2*headerSize {
			t.Fatalf("got %d bytes and %v, want the frames that open and close a stream", len(sent), err)
		}
		far.Close()
	}
}

func TestCloseDoesNotWaitForAFullConnection(t *testing.T) {
	t.Parallel()
	client, server, near := memory(t, nil)
	st, _ := stream(t, client, server)
	settle(t, client, server)
	near.out.stall()
	st.Close() // its frame is held
	start := time.Now()
	wait(t, "Close", during(func() { client.Close() }))
	if took := time.Since(start); took > 2*closeWait+time.Second {
		t.Errorf("Close took %v", took)
	}
	if err := client.Err(); err != ErrClosed {
		t.Errorf("Err: got %v, want %v", err, ErrClosed)
	}
}

// stuck is a connection that does not let go of who writes, even when closed,
// nor, unless it reads from another, of who reads.
type stuck struct {
	io.Reader
	writing  chan struct{} // cap 1
	released chan struct{}
}

func (s stuck) Read(p []byte) (int, error) {
	if s.Reader != nil {
		return s.Reader.Read(p)
	}
	<-s.released
	return 0, io.EOF
}

func (s stuck) Write([]byte) (int, error) {
	s.writing <- struct{}{}
	<-s.released
	return 0, os.ErrClosed
}

func (s stuck) Close() error {
	if c, ok := s.Reader.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func TestCloseReturnsThoughTheConnectionDoesNot(t *testing.T) {
	t.Parallel()
	read, _ := memoryPipe()
	for name, reader := range map[string]io.Reader{"read and write": nil, "write": read} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := stuck{reader, make(chan struct{}, 1), make(chan struct{})}
			defer close(conn.released)
			client, err := Client(conn, nil)
			if err != nil {
				t.Fatal(err)
			}
			go client.Ping()
			wait(t, "Write", conn.writing)
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() { client.Close() })
			}
			wait(t, "Close", during(group.Wait))
			wait(t, "calls after Close", during(func() {
				if err := client.Err(); err != ErrClosed {
					t.Errorf("Err: got %v, want %v", err, ErrClosed)
				}
				if got := client.NumStreams(); got != 0 {
					t.Errorf("NumStreams: got %d, want 0", got)
				}
				if _, err := client.Open(testContext(t)); err != ErrClosed {
					t.Errorf("Open: got %v, want %v", err, ErrClosed)
				}
			}))
		})
	}
}

func TestWriteErrorSurfacesWithoutFurtherTraffic(t *testing.T) {
	t.Parallel()
	client, _, near := memory(t, &Config{KeepAlive: -1})
	near.out.failWrites(syscall.EPIPE)
	if _, err := client.Open(context.Background()); err != nil {
		t.Fatalf("Open: %v", err) // its frame is held
	}
	wait(t, "Done", client.Done())
	if err := client.Err(); err != syscall.EPIPE {
		t.Errorf("Err: got %v, want %v", err, syscall.EPIPE)
	}
}

func TestWriteErrorIsTheSessionsEveryTime(t *testing.T) {
	t.Parallel()
	client, server, near := memory(t, nil)
	st, _ := stream(t, client, server)
	near.out.failWrites(syscall.EPIPE)
	for i := range 3 {
		if _, err := st.Write([]byte("x")); err != syscall.EPIPE {
			t.Errorf("Write %d: got %v, want %v", i, err, syscall.EPIPE)
		}
	}
	wait(t, "Done", client.Done())
	if err := client.Err(); err != syscall.EPIPE {
		t.Errorf("Err: got %v, want %v", err, syscall.EPIPE)
	}
}

// A peer that ends while we write to it has often said why before.
func TestLastWordsOfThePeerAreReadThoughWritesFail(t *testing.T) {
	client, server, near := memory(t, nil)
	st, far := stream(t, client, server)
	settle(t, client, server)
	near.out.failWrites(syscall.EPIPE)
	writing := during(func() { st.Write([]byte("x")) })

	words := make([]byte, 200<<10)
	if _, err := far.Write(words); err != nil {
		t.Fatalf("peer's Write: %v", err)
	}
	server.Close()
	if n, err := io.ReadFull(st, words); err != nil {
		t.Errorf("Read: got %d bytes and %v, want %d", n, err, len(words))
	}
	wait(t, "Write", writing)
	if _, err := st.Read(words); err != syscall.EPIPE {
		t.Errorf("Read at the end: got %v, want %v", err, syscall.EPIPE)
	}
}

func TestPingMeasures(t *testing.T) {
	client, _ := pair(t, filePipe, nil)
	d, err := client.Ping()
	if err != nil || d <= 0 {
		t.Errorf("Ping: got %v, %v", d, err)
	}
}

// Until the peer is known to be there, its silence is nobody's stall.
func TestTimesCountOnceThePeerIsPresent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		near, far := memoryPipe()
		present := make(chan struct{})
		client, _ := Client(near, &Config{Present: present, KeepAlive: time.Second, Timeout: time.Second})
		defer client.Close()
		defer far.Close()
		time.Sleep(time.Hour)
		if err := client.Err(); err != nil {
			t.Fatalf("the session ended before the peer was there: %v", err)
		}
		close(present)
		time.Sleep(3 * time.Second)
		if err := client.Err(); err != ErrStalled {
			t.Errorf("the session of a silent peer ended with %v, want %v", err, ErrStalled)
		}
	})
}

func TestSessionEndsAfterSilence(t *testing.T) {
	bubble(t, func(t *testing.T) {
		near, far := memoryPipe()
		client, _ := Client(near, &Config{KeepAlive: 10 * time.Second})
		server, _ := Server(far, &Config{KeepAlive: -1})
		defer client.Close()
		defer server.Close()
		server.EndAfterSilence(30 * time.Second)
		time.Sleep(time.Hour)
		if err := server.Err(); err != nil {
			t.Fatalf("the session of a peer that pings ended with %v", err)
		}
	})
}

func TestSilentPeerIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		near, far := memoryPipe()
		server, _ := Server(far, &Config{KeepAlive: -1})
		defer server.Close()
		defer near.Close()
		server.EndAfterSilence(30 * time.Second)
		time.Sleep(29 * time.Second)
		if err := server.Err(); err != nil {
			t.Fatalf("the session ended before its time: %v", err)
		}
		time.Sleep(10 * time.Second)
		if err := server.Err(); err != ErrStalled {
			t.Errorf("the session of a silent peer ended with %v, want %v", err, ErrStalled)
		}
	})
}
