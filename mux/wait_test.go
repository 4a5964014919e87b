package mux

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bell is a Receiver that rings for each piece.
type bell struct {
	rung chan struct{}
	got  chan int
}

func newBell() *bell { return &bell{make(chan struct{}, 1), make(chan int, 1<<10)} }

func (b *bell) Arrive(p []byte) error {
	b.got <- len(p)
	notify(b.rung)
	return nil
}

func (b *bell) End(error) { notify(b.rung) }

// belled is a stream whose near end has a bell.
func belled(t testing.TB, client, server *Session) (b *bell, far *Stream) {
	t.Helper()
	near, far := stream(t, client, server)
	b = newBell()
	if err := near.Deliver(b); err != nil {
		t.Fatal(err)
	}
	return b, far
}

// leads says whether somebody in Wait reads the connection.
func (s *Session) leads() bool {
	s.turn.mu.Lock()
	defer s.turn.mu.Unlock()
	return s.turn.taken && !s.turn.patient
}

// awaited returns when somebody is in Wait, where others than the session's own
// reader can read.
func (s *Session) awaited() {
	waits := func() bool {
		s.turn.mu.Lock()
		defer s.turn.mu.Unlock()
		return s.turn.followers > 0 || s.turn.taken && !s.turn.patient
	}
	for end := time.Now().Add(patience); s.readable != nil && !waits() && time.Now().Before(end); {
		runtime.Gosched()
	}
}

// writeLate writes when somebody waits at the other side.
func writeLate(t testing.TB, st *Stream, other *Session, text string) <-chan struct{} {
	return during(func() {
		other.awaited()
		if _, err := st.Write([]byte(text)); err != nil {
			t.Errorf("Write: %v", err)
		}
	})
}

func TestWaitReturnsWhenAReceiverHasWhatCame(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		b, far := belled(t, client, server)
		for range 20 {
			done := writeLate(t, far, client, "ring")
			if err := client.Wait(testContext(t), b.rung); err != nil {
				t.Fatal(err)
			}
			wait(t, "Write", done)
			if n := <-b.got; n != 4 {
				t.Fatalf("%d bytes arrived, want 4", n)
			}
		}
	})
}

func TestWaitEndsWithItsContextAndLosesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		b, far := belled(t, client, server)
		for range 10 {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
			if err := client.Wait(ctx, b.rung); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("Wait: %v", err)
			}
			cancel()
			if _, err := far.Write([]byte("ring")); err != nil {
				t.Fatal(err)
			}
			if err := client.Wait(testContext(t), b.rung); err != nil {
				t.Fatal(err)
			}
			<-b.got
		}
	})
}

func TestWakeEndsAWait(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, _ := pair(t, connect, nil)
		for range 20 {
			ready := make(chan struct{}, 1)
			done := during(func() {
				if err := client.Wait(testContext(t), ready); err != nil {
					t.Errorf("Wait: %v", err)
				}
			})
			ready <- struct{}{}
			client.Wake()
			wait(t, "Wait", done)
		}
	})
}

// TestOthersAreServedWhenNobodyReads has one leave what he read for himself: the
// session's own reader takes over within two of its looks.
func TestOthersAreServedWhenNobodyReads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		near, far := timedPipe()
		client, server := sessions(t, near, far, &Config{KeepAlive: -1}, &Config{KeepAlive: -1})
		defer server.Close()
		defer client.Close()
		b, there := belled(t, client, server)
		other, otherThere := belled(t, client, server)
		go there.Write([]byte("ring"))
		if err := client.Wait(t.Context(), b.rung); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		otherThere.Write([]byte("ring"))
		<-other.rung
		if took := time.Since(start); took > 3*standBy {
			t.Errorf("served after %v", took)
		}
	})
}

func TestOneWhoWaitsAgainAndAgainReadsHimself(t *testing.T) {
	bubble(t, func(t *testing.T) {
		near, far := timedPipe()
		client, server := sessions(t, near, far, &Config{KeepAlive: -1}, &Config{KeepAlive: -1})
		defer server.Close()
		defer client.Close()
		b, there := belled(t, client, server)
		time.Sleep(10 * standBy) // the session's own reader reads
		for range single + 1 {
			go there.Write([]byte("ring"))
			if err := client.Wait(t.Context(), b.rung); err != nil {
				t.Fatal(err)
			}
		}
		done := during(func() { client.Wait(t.Context(), b.rung) })
		synctest.Wait()
		if !client.leads() {
			t.Error("one who waited often does not read himself")
		}
		there.Write([]byte("ring"))
		<-done
	})
}

// TestAnAcceptMakesWay is the same where the one who reads waits for streams.
func TestAnAcceptMakesWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		near, far := timedPipe()
		client, server := sessions(t, near, far, &Config{KeepAlive: -1}, &Config{KeepAlive: -1})
		defer server.Close()
		defer client.Close()
		there, here := stream(t, client, server)
		b := newBell()
		here.Deliver(b)
		accepted := make(chan error, 1)
		go func() {
			_, err := server.Accept(context.Background())
			accepted <- err
		}()
		synctest.Wait()
		for range single + 1 {
			go there.Write([]byte("ring"))
			if err := server.Wait(t.Context(), b.rung); err != nil {
				t.Fatal(err)
			}
		}
		done := during(func() { server.Wait(t.Context(), b.rung) })
		synctest.Wait()
		if !server.leads() {
			t.Error("one who waited often does not read himself")
		}
		next, err := client.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		next.Write([]byte("x"))
		if err := <-accepted; err != nil {
			t.Errorf("Accept: %v", err)
		}
		there.Write([]byte("ring"))
		<-done
	})
}

func TestManyWaitAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		var wg sync.WaitGroup
		for range 8 {
			b, far := belled(t, client, server)
			wg.Go(func() {
				for range 200 {
					if _, err := far.Write([]byte("ring")); err != nil {
						t.Errorf("Write: %v", err)
						return
					}
					if err := client.Wait(testContext(t), b.rung); err != nil {
						t.Errorf("Wait: %v", err)
						return
					}
				}
			})
		}
		wait(t, "eight in Wait", during(wg.Wait))
	})
}

func TestWaitEndsWithTheSession(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(client, server *Session)
		want error
	}{
		{"closed here", func(client, _ *Session) { client.Close() }, ErrClosed},
		{"closed there", func(_, server *Session) { server.Close() }, io.EOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, connect connect) {
				client, server := pair(t, connect, nil)
				errs := make(chan error, 3)
				for range cap(errs) {
					go func() { errs <- client.Wait(testContext(t), make(chan struct{})) }()
				}
				tt.end(client, server)
				for range cap(errs) {
					if err := <-errs; !errors.Is(err, tt.want) {
						t.Errorf("Wait: %v, want %v", err, tt.want)
					}
				}
				wait(t, "the session's end", client.Done())
			})
		})
	}
}

// TestAWaitInTheMiddleOfAFrameEnds has a frame arrive in two parts, and the one
// who has read the first one leave.
func TestAWaitInTheMiddleOfAFrameEnds(t *testing.T) {
	for _, first := range []int{1, headerSize - 1, headerSize, headerSize + 2} {
		near, far := timedPipe()
		client, err := Client(near, &Config{KeepAlive: -1})
		if err != nil {
			t.Fatal(err)
		}
		st, err := client.Open(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		b := newBell()
		st.Deliver(b)
		frame := append(header{typ: typeData, stream: st.ID(), length: 4}.append(nil), "ring"...)
		far.Write(frame[:first])
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		if err := client.Wait(ctx, b.rung); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Wait: %v", err)
		}
		cancel()
		far.Write(frame[first:])
		if err := client.Wait(testContext(t), b.rung); err != nil {
			t.Fatal(err)
		}
		if n := <-b.got; n != 4 {
			t.Errorf("%d bytes arrived, want 4", n)
		}
		client.Close()
	}
}

// TestAWriteForWhichTheWindowIsFullIsServed is by one who reads and leaves again
// and again, on another stream.
func TestAWriteForWhichTheWindowIsFullIsServed(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		b, far := belled(t, client, server)
		near, there := stream(t, client, server)
		written := during(func() {
			if _, err := near.Write(make([]byte, 4<<20)); err != nil {
				t.Errorf("Write: %v", err)
			}
		})
		read := during(func() { io.CopyN(io.Discard, there, 4<<20) })
		for range 50 {
			far.Write([]byte("ring"))
			if err := client.Wait(testContext(t), b.rung); err != nil {
				t.Fatal(err)
			}
		}
		wait(t, "Write", written)
		wait(t, "Read", read)
	})
}
