package mux

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"testing"
	"time"
)

// checkCarries checks that text gets from one stream to the other.
func checkCarries(t testing.TB, from, to *Stream, text string) {
	t.Helper()
	if _, err := io.WriteString(from, text); err != nil {
		t.Fatalf("Write: %v", err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(to, got); err != nil {
		t.Fatalf("Read: %v", err)
	}
	if string(got) != text {
		t.Fatalf("got %q, want %q", got, text)
	}
}

func TestHalfClosedStreamLivesForHours(t *testing.T) {
	bubble(t, func(t *testing.T) {
		near, far := memoryPipe()
		client, _ := Client(near, nil)
		server, _ := Server(far, nil)
		defer client.Close()
		defer server.Close()
		here, err := client.Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		here.Close()
		there, err := server.Accept(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Hour)
		checkCarries(t, there, here, "at last")
	})
}

func TestHalfClosedStreamGoesOn(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		near, far := stream(t, client, server)
		near.Close()
		if _, err := far.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("Read of what was closed: got %v, want EOF", err)
		}
		if _, err := near.Write([]byte("x")); err != ErrClosed {
			t.Errorf("Write after Close: got %v, want %v", err, ErrClosed)
		}
		for range 100 {
			settle(t, client, server)
			checkCarries(t, far, near, "results of an hour later")
		}
		far.Close()
		for range 3 {
			if _, err := near.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("Read at the end: got %v, want EOF", err)
			}
		}
		settle(t, client, server)
		if got := client.NumStreams() + server.NumStreams(); got != 0 {
			t.Errorf("streams left: got %d, want 0", got)
		}
	})
}

func TestEndOfStreamOutlivesTheSession(t *testing.T) {
	client, server := pair(t, filePipe, nil)
	near, far := stream(t, client, server)
	far.Close()
	if _, err := near.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("Read: got %v, want EOF", err)
	}
	client.Close()
	if _, err := near.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read after the session's end: got %v, want EOF", err)
	}
}

// There is no reset in yamux: who does not want the rest closes and drains.
func TestDrainedStreamLetsThePeerFinish(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		near, far := stream(t, client, server)
		writing := during(func() {
			if _, err := far.Write(make([]byte, 4*DefaultWindow)); err != nil {
				t.Errorf("Write: %v", err)
			}
			far.Close()
		})
		near.Close()
		if n, err := io.Copy(io.Discard, near); n != 4*DefaultWindow || err != nil {
			t.Errorf("drain: got %d bytes and %v, want %d", n, err, 4*DefaultWindow)
		}
		wait(t, "Write", writing)
		settle(t, client, server)
		if got := client.NumStreams() + server.NumStreams(); got != 0 {
			t.Errorf("streams left: got %d, want 0", got)
		}
	})
}

func TestStreamNobodyReadsDoesNotBlockOthers(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		full, _ := stream(t, client, server)
		full.SetWriteDeadline(time.Unix(1, 0))
		if _, err := full.Write(make([]byte, 2*DefaultWindow)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Write: got %v, want %v", err, os.ErrDeadlineExceeded)
		}
		near, far := stream(t, client, server)
		checkCarries(t, near, far, "past the full one")
	})
}

func TestWindowBoundsWhatIsInFlight(t *testing.T) {
	tests := []struct {
		name   string
		window int
		want   int
	}{
		{"default", 0, DefaultWindow},
		{"smaller than the least", 1000, MinWindow},
		{"four times the least", 4 * MinWindow, 4 * MinWindow},
		{"8 MiB", 8 << 20, 8 << 20},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client, server := pair(t, filePipe, &Config{Window: test.window})
			near, far := stream(t, client, server)
			settle(t, client, server)
			before := heap()
			near.SetWriteDeadline(time.Unix(1, 0))
			n, err := near.Write(make([]byte, 32<<20))
			if n != test.want || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Write: got %d bytes and %v, want %d and %v", n, err, test.want, os.ErrDeadlineExceeded)
			}
			settle(t, client, server)
			if grown, limit := int(heap()-before), 3*test.want+1<<20; grown > limit {
				t.Errorf("memory grew by %d, want %d at most", grown, limit)
			}
			got := make([]byte, n)
			if _, err := io.ReadFull(far, got); err != nil {
				t.Errorf("Read: %v", err)
			}
		})
	}
}

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestDeadlineInterruptsAndLeavesTheStreamUsable(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		near, far := stream(t, client, server)

		reading := during(func() {
			if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Read: got %v, want %v", err, os.ErrDeadlineExceeded)
			}
		})
		near.SetReadDeadline(time.Unix(1, 0))
		wait(t, "Read", reading)
		near.SetReadDeadline(time.Time{})

		sent := bytes.Repeat([]byte("0123456789abcdef"), DefaultWindow/8)
		var n int
		writing := during(func() {
			var err error
			if n, err = near.Write(sent); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Write: got %v, want %v", err, os.ErrDeadlineExceeded)
			}
		})
		near.SetWriteDeadline(time.Unix(1, 0))
		wait(t, "Write", writing)
		near.SetWriteDeadline(time.Time{})

		go func() {
			near.Write(sent[n:])
			near.Close()
		}()
		got, err := io.ReadAll(far)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("got %d bytes and %v, want the %d that were sent", len(got), err, len(sent))
		}
		checkCarries(t, far, near, "and back")
	})
}

func TestBodiesOfEverySizeArriveWhole(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		near, far := stream(t, client, server)
		sizes := []int{1, headerSize - 1, headerSize, headerSize + 1, 4096, maxJoin - 1, maxJoin, maxJoin + 1, maxWrite, maxWrite + 1, 3 * maxWrite, 1 << 20}
		for _, size := range sizes {
			sent := make([]byte, size)
			for i := range sent {
				sent[i] = byte(i * 7)
			}
			writing := during(func() {
				if n, err := near.Write(sent); n != size || err != nil {
					t.Errorf("Write of %d: got %d, %v", size, n, err)
				}
			})
			got := make([]byte, size)
			if _, err := io.ReadFull(far, got); err != nil {
				t.Fatalf("Read of %d: %v", size, err)
			}
			if !bytes.Equal(got, sent) {
				t.Errorf("%d bytes arrived changed", size)
			}
			wait(t, "Write", writing)
		}
	})
}

func TestStreamIDIsTheSameOnBothSides(t *testing.T) {
	client, server := pair(t, filePipe, nil)
	near, far := stream(t, client, server)
	if near.ID() != far.ID() || near.ID() == 0 {
		t.Errorf("got %d here and %d there", near.ID(), far.ID())
	}
}

// A Close while a Write is in progress must not send the end of the stream
// before the data, which the peer takes for a mistake that ends the session.
func TestCloseDuringWrite(t *testing.T) {
	client, server, _ := memory(t, nil)
	for range 500 {
		out, err := client.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		written := make(chan struct{})
		go func() {
			defer close(written)
			out.Write([]byte("some data"))
		}()
		out.Close()
		in, err := server.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		in.Close()
		if _, err := io.Copy(io.Discard, in); err != nil {
			t.Fatalf("read: %v", err)
		}
		<-written
	}
	if err := server.Err(); err != nil {
		t.Errorf("the session ended: %v", err)
	}
}
