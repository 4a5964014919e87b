package mux

import (
	"bytes"
	"io"
	"sync"
	"testing"
	"time"
)

// farAway is a connection whose bytes take a while to arrive.
type farAway struct {
	io.ReadWriteCloser
	delay time.Duration
	sent  chan late
	done  chan struct{}
	once  sync.Once
}

type late struct {
	at time.Time
	p  []byte
}

func newFarAway(conn io.ReadWriteCloser, delay time.Duration) *farAway {
	f := &farAway{ReadWriteCloser: conn, delay: delay, sent: make(chan late, 1<<16), done: make(chan struct{})}
	go func() {
		for {
			select {
			case l := <-f.sent:
				select {
				case <-time.After(time.Until(l.at)):
					conn.Write(l.p)
				case <-f.done:
					return
				}
			case <-f.done:
				return
			}
		}
	}()
	return f
}

func (f *farAway) Write(p []byte) (int, error) {
	select {
	case f.sent <- late{time.Now().Add(f.delay), bytes.Clone(p)}:
		return len(p), nil
	case <-f.done:
		return 0, io.ErrClosedPipe
	}
}

func (f *farAway) Close() error {
	f.once.Do(func() { close(f.done) })
	return f.ReadWriteCloser.Close()
}

// timeFor is how long many bytes take from here to there and back to where they
// are read.
func timeFor(t *testing.T, cfg *Config, delay time.Duration, size int) time.Duration {
	var took time.Duration
	bubble(t, func(t *testing.T) {
		near, far := memoryPipe()
		client, _ := Client(newFarAway(near, delay), cfg)
		server, _ := Server(newFarAway(far, delay), cfg)
		defer client.Close()
		defer server.Close()
		from, to := stream(t, client, server)
		start := time.Now()
		go from.Write(make([]byte, size))
		if _, err := io.ReadFull(to, make([]byte, size)); err != nil {
			t.Error(err)
		}
		took = time.Since(start)
	})
	return took
}

func TestWindowGrowsWhereTheRoundTripIsLong(t *testing.T) {
	const delay, size = 50 * time.Millisecond, 48 << 20
	fixed := timeFor(t, &Config{Window: DefaultWindow}, delay, size)
	tuned := timeFor(t, nil, delay, size)
	if trips := size / DefaultWindow; fixed < time.Duration(trips/2)*2*delay {
		t.Errorf("with a window that was set %d MiB took %v, want about %d round trips of %v", size>>20, fixed, trips, 2*delay)
	}
	if tuned > fixed/4 {
		t.Errorf("with a window that grows %d MiB took %v, want a quarter of the %v of one that does not, or less", size>>20, tuned, fixed)
	}
}

func TestWindowWhereTheRoundTripIsShort(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pause time.Duration // of the reader, between pieces of 64 KiB
		want  uint32
	}{
		{"grows some way for a fast reader", 0, quickWindow},
		{"stays for a slow one", 2 * time.Millisecond, DefaultWindow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				client, server := pair(t, func(testing.TB) (near, far io.ReadWriteCloser) { return memoryPipe() }, nil)
				from, to := stream(t, client, server)
				go from.Write(make([]byte, 64<<20))
				piece := make([]byte, 64<<10)
				for range (64 << 20) / len(piece) {
					if _, err := io.ReadFull(to, piece); err != nil {
						t.Fatal(err)
					}
					time.Sleep(tt.pause)
				}
				_, next := stream(t, client, server)
				to.mu.Lock()
				defer to.mu.Unlock()
				if to.size != tt.want || next.size != DefaultWindow {
					t.Errorf("the window has become %d, and that of the next stream is %d; want %d and %d", to.size, next.size, tt.want, DefaultWindow)
				}
			})
		})
	}
}

func TestNewStreamsBeginWithTheWindowThatWasLearned(t *testing.T) {
	bubble(t, func(t *testing.T) {
		near, far := memoryPipe()
		client, _ := Client(newFarAway(near, 50*time.Millisecond), nil)
		server, _ := Server(newFarAway(far, 50*time.Millisecond), nil)
		defer client.Close()
		defer server.Close()
		from, to := stream(t, client, server)
		go from.Write(make([]byte, 32<<20))
		if _, err := io.ReadFull(to, make([]byte, 32<<20)); err != nil {
			t.Fatal(err)
		}
		for i := range fewStreams {
			_, next := stream(t, client, server)
			want := uint32(TunedWindow)
			if i == fewStreams-1 {
				want = DefaultWindow
			}
			if next.size != want {
				t.Errorf("window of stream %d = %d, want %d", i+2, next.size, want)
			}
		}
	})
}
