package mux

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sink is what a Writer under test writes to. Like a stream it blocks while its
// window is empty, until the deadline.
type sink struct {
	mu       sync.Mutex
	changed  *sync.Cond
	window   int
	deadline bool // passed
	err      error
	writes   int
	got      bytes.Buffer
}

func newSink(window int) *sink {
	s := &sink{window: window}
	s.changed = sync.NewCond(&s.mu)
	return s
}

const wide = 1 << 30

func (s *sink) Write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	for len(p) > 0 {
		for s.window == 0 && !s.deadline && s.err == nil {
			s.changed.Wait()
		}
		switch {
		case s.err != nil:
			return n, s.err
		case s.window == 0:
			return n, os.ErrDeadlineExceeded
		}
		m, _ := s.got.Write(p[:min(len(p), s.window)])
		s.window -= m
		n, p = n+m, p[m:]
	}
	return n, nil
}

func (s *sink) SetWriteDeadline(t time.Time) error {
	s.change(func() { s.deadline = !t.IsZero() && t.Before(time.Now()) })
	return nil
}

func (s *sink) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.changed.Broadcast()
}

func (s *sink) open(window int) { s.change(func() { s.window += window }) }
func (s *sink) fail(err error)  { s.change(func() { s.err = err }) }

func (s *sink) state() (writes int, got string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes, s.got.String()
}

func (s *sink) check(t *testing.T, when string, writes int, got string) {
	t.Helper()
	w, g := s.state()
	if w != writes || g != got {
		t.Errorf("%s: got %d writes of %.100q, want %d of %.100q", when, w, g, writes, got)
	}
}

// put gives one item to w.
func put(ctx context.Context, w *Writer, item string) error {
	buf, err := w.Begin(ctx)
	if err != nil {
		return err
	}
	return w.Commit(ctx, append(buf, item...))
}

func mustPut(t *testing.T, w *Writer, items ...string) {
	t.Helper()
	for _, item := range items {
		if err := put(context.Background(), w, item); err != nil {
			t.Errorf("put %.20q: %v", item, err)
		}
	}
}

// writerTest runs a test of a Writer on artificial time.
func writerTest(t *testing.T, window int, test func(t *testing.T, w *Writer, s *sink)) {
	t.Helper()
	bubble(t, func(t *testing.T) {
		s := newSink(window)
		test(t, newWriter(s, new(sweeper)), s)
	})
}

func TestWriterItemAfterAPauseLeavesAtOnce(t *testing.T) {
	writerTest(t, wide, func(t *testing.T, w *Writer, s *sink) {
		mustPut(t, w, "a")
		s.check(t, "first", 1, "a")
		time.Sleep(quiet + 1)
		mustPut(t, w, "b")
		s.check(t, "after a pause", 2, "ab")
	})
}

func TestWriterItemsInQuickSuccessionLeaveTogether(t *testing.T) {
	writerTest(t, wide, func(t *testing.T, w *Writer, s *sink) {
		mustPut(t, w, "a", "b", "c", "d")
		s.check(t, "at once", 1, "a")
		time.Sleep(linger)
		synctest.Wait()
		s.check(t, "soon", 2, "abcd")
		time.Sleep(time.Second)
		s.check(t, "for good", 2, "abcd")
	})
}

func TestWriterCommitLaterWaitsForWhatFollows(t *testing.T) {
	later := func(t *testing.T, w *Writer, item string) {
		t.Helper()
		buf, err := w.Begin(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.CommitLater(context.Background(), append(buf, item...)); err != nil {
			t.Fatal(err)
		}
	}
	writerTest(t, wide, func(t *testing.T, w *Writer, s *sink) {
		later(t, w, "a")
		later(t, w, "b")
		s.check(t, "later", 0, "")
		if err := w.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		s.check(t, "flushed", 1, "ab")
		later(t, w, "c")
		time.Sleep(linger)
		synctest.Wait()
		s.check(t, "never flushed", 2, "abc")
		later(t, w, "d")
		mustPut(t, w, "e")
		time.Sleep(linger)
		synctest.Wait()
		s.check(t, "followed by another", 3, "abcde")
		later(t, w, string(make([]byte, gather)))
		if writes, _ := s.state(); writes != 4 {
			t.Errorf("as much as may gather: got %d writes, want 4", writes)
		}
	})
}

func TestWriterMakesFewWritesOfManyItems(t *testing.T) {
	writerTest(t, wide, func(t *testing.T, w *Writer, s *sink) {
		var want bytes.Buffer
		for i := range 10_000 {
			item := fmt.Sprintf("item %05d ", i)
			want.WriteString(item)
			mustPut(t, w, item)
		}
		if err := w.Drain(context.Background()); err != nil {
			t.Fatal(err)
		}
		writes, got := s.state()
		if got != want.String() {
			t.Error("items arrived changed")
		}
		if limit := want.Len()/gather + 2; writes > limit {
			t.Errorf("got %d writes, want %d at most", writes, limit)
		}
	})
}

func TestWriterFlush(t *testing.T) {
	writerTest(t, wide, func(t *testing.T, w *Writer, s *sink) {
		ctx := context.Background()
		mustPut(t, w, "a", "b", "c")
		if err := w.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		s.check(t, "after Flush", 2, "abc")
		if err := w.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		s.check(t, "Flush of nothing", 2, "abc")
		mustPut(t, w, "d")
		s.check(t, "item after Flush", 3, "abcd")
	})
}

// Who flushes is about to wait for an answer to what is behind the write.
func TestWriterFlushBehindAWriteLeavesRightAfterIt(t *testing.T) {
	writerTest(t, 0, func(t *testing.T, w *Writer, s *sink) {
		first := during(func() { mustPut(t, w, "a") })
		synctest.Wait()
		mustPut(t, w, "b", "c")
		if err := w.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		s.open(wide)
		<-first
		synctest.Wait()
		s.check(t, "without time passing", 2, "abc")
	})
}

func TestWriterDrainWaitsForTheWrite(t *testing.T) {
	writerTest(t, 0, func(t *testing.T, w *Writer, s *sink) {
		go mustPut(t, w, "a")
		synctest.Wait()
		mustPut(t, w, "b")
		drained := make(chan error, 1)
		go func() { drained <- w.Drain(context.Background()) }()
		synctest.Wait()
		select {
		case err := <-drained:
			t.Fatalf("Drain: got %v before anything was written", err)
		default:
		}
		s.open(wide)
		if err := <-drained; err != nil {
			t.Errorf("Drain: %v", err)
		}
		s.check(t, "drained", 2, "ab")
	})
}

func TestWriterDrainEndsWithContext(t *testing.T) {
	writerTest(t, 0, func(t *testing.T, w *Writer, s *sink) {
		go mustPut(t, w, "a")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := w.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain: got %v, want %v", err, context.DeadlineExceeded)
		}
		s.open(wide)
		synctest.Wait()
		s.check(t, "in the end", 1, "a")
	})
}

func TestWriterCancelChangesNothing(t *testing.T) {
	writerTest(t, wide, func(t *testing.T, w *Writer, s *sink) {
		mustPut(t, w, "a", "b")
		buf, err := w.Begin(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		_ = append(buf, "half an it"...)
		w.Cancel()
		mustPut(t, w, "c")
		time.Sleep(linger)
		synctest.Wait()
		s.check(t, "in the end", 2, "abc")
	})
}

// fill makes w full: its writer blocked, and as much gathered as there may be.
func fill(t *testing.T, w *Writer) (items string) {
	t.Helper()
	item := string(bytes.Repeat([]byte("f"), gather))
	go mustPut(t, w, item)
	synctest.Wait()
	mustPut(t, w, item)
	return item + item
}

func TestWriterFullItemIsNotTakenWhenContextEnds(t *testing.T) {
	writerTest(t, 0, func(t *testing.T, w *Writer, s *sink) {
		want := fill(t, w)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := put(ctx, w, "not taken"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Begin: got %v, want %v", err, context.DeadlineExceeded)
		}
		s.open(wide)
		mustPut(t, w, "taken")
		if err := w.Drain(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, got := s.state(); got != want+"taken" {
			t.Errorf("got %d bytes that end in %q, want %d", len(got), got[max(0, len(got)-9):], len(want)+5)
		}
	})
}

func TestWriterWakesAllThatWaitForSpace(t *testing.T) {
	writerTest(t, 0, func(t *testing.T, w *Writer, s *sink) {
		want := len(fill(t, w))
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() { mustPut(t, w, "waited") })
		}
		gone, cancel := context.WithCancel(context.Background())
		for range 20 {
			group.Go(func() { put(gone, w, "") })
		}
		synctest.Wait()
		cancel()
		s.open(wide)
		group.Wait()
		if err := w.Drain(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, got := s.state(); len(got) != want+20*len("waited") {
			t.Errorf("got %d bytes, want %d", len(got), want+20*len("waited"))
		}
	})
}

func TestWriterItemIsTakenWholeWhenContextEndsInCommit(t *testing.T) {
	for _, window := range []int{0, 1, 7} {
		t.Run(fmt.Sprint(window), func(t *testing.T) {
			writerTest(t, window, func(t *testing.T, w *Writer, s *sink) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				committed := make(chan error, 1)
				go func() { committed <- put(ctx, w, "first item,") }()
				synctest.Wait()
				mustPut(t, w, "second,") // gathered meanwhile
				if err := <-committed; err != nil {
					t.Errorf("Commit: got %v, want none: the item was taken", err)
				}
				if ctx.Err() == nil {
					t.Error("Commit returned before the context had ended")
				}
				mustPut(t, w, "third")
				synctest.Wait()
				s.check(t, "full", 2, "first item,"[:window])
				s.open(3)
				synctest.Wait()
				s.open(wide)
				if err := w.Drain(context.Background()); err != nil {
					t.Fatal(err)
				}
				if _, got := s.state(); got != "first item,second,third" {
					t.Errorf("got %q", got)
				}
				if s.deadline {
					t.Error("the deadline was left behind")
				}
			})
		})
	}
}

func TestWriterFlushReturnsWhenContextEnds(t *testing.T) {
	writerTest(t, 1, func(t *testing.T, w *Writer, s *sink) {
		mustPut(t, w, "a", "b", "c")
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := w.Flush(ctx); err != nil {
			t.Errorf("Flush: got %v, want none", err)
		}
		s.open(wide)
		synctest.Wait()
		if _, got := s.state(); got != "abc" {
			t.Errorf("got %q, want %q", got, "abc")
		}
	})
}

func TestWriterErrorsStay(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name  string
		spoil func(t *testing.T, w *Writer, s *sink)
	}{
		{"in Commit", func(t *testing.T, w *Writer, s *sink) {
			s.fail(broken)
			if err := put(context.Background(), w, "a"); err != broken {
				t.Errorf("Commit: got %v, want %v", err, broken)
			}
		}},
		{"on the timer", func(t *testing.T, w *Writer, s *sink) {
			mustPut(t, w, "a", "b")
			s.fail(broken)
			time.Sleep(linger)
			synctest.Wait()
		}},
		{"in the background", func(t *testing.T, w *Writer, s *sink) {
			s.change(func() { s.window = 0 })
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if err := put(ctx, w, "a"); err != nil {
				t.Errorf("Commit: got %v, want none", err)
			}
			s.fail(broken)
			synctest.Wait()
		}},
		{"by Fail", func(t *testing.T, w *Writer, s *sink) {
			mustPut(t, w, "a", "b")
			w.Fail(broken)
			w.Fail(errors.New("another"))
		}},
		{"by Fail during a write", func(t *testing.T, w *Writer, s *sink) {
			s.change(func() { s.window = 0 })
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			go put(ctx, w, "a")
			synctest.Wait()
			mustPut(t, w, "b")
			w.Fail(broken)
			time.Sleep(2 * time.Second)
		}},
		{"by Fail while somebody waits for space", func(t *testing.T, w *Writer, s *sink) {
			s.change(func() { s.window = 0 })
			fill(t, w)
			var group sync.WaitGroup
			for range 5 {
				group.Go(func() {
					if err := put(context.Background(), w, "x"); err != broken {
						t.Errorf("Begin: got %v, want %v", err, broken)
					}
				})
			}
			synctest.Wait()
			w.Fail(broken)
			group.Wait()
			s.open(wide)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			writerTest(t, wide, func(t *testing.T, w *Writer, s *sink) {
				test.spoil(t, w, s)
				synctest.Wait()
				writes, _ := s.state()
				ctx := context.Background()
				for range 3 {
					if err := put(ctx, w, "x"); err != broken {
						t.Errorf("Begin: got %v, want %v", err, broken)
					}
					if err := w.Flush(ctx); err != broken {
						t.Errorf("Flush: got %v, want %v", err, broken)
					}
					if err := w.Drain(ctx); err != broken {
						t.Errorf("Drain: got %v, want %v", err, broken)
					}
				}
				time.Sleep(time.Second)
				if after, _ := s.state(); after != writes {
					t.Errorf("got %d writes after the error", after-writes)
				}
				w.mu.Lock()
				defer w.mu.Unlock()
				if w.buf != nil || w.spare != nil {
					t.Error("what was gathered was not dropped")
				}
			})
		})
	}
}

func TestWriterLetsGoOfLargeBuffers(t *testing.T) {
	writerTest(t, wide, func(t *testing.T, w *Writer, s *sink) {
		for range 3 {
			mustPut(t, w, string(make([]byte, 1<<20)), "small")
			time.Sleep(time.Second)
			w.mu.Lock()
			if kept := cap(w.buf) + cap(w.spare); kept > 2*keepBuffer {
				t.Errorf("keeps buffers of %d bytes, want %d at most", kept, 2*keepBuffer)
			}
			w.mu.Unlock()
		}
	})
}

// record is an item which tells who sent it, and which one it is.
func record(producer, n int) string {
	item := make([]byte, 8+n%100)
	binary.BigEndian.PutUint32(item, uint32(producer<<24|n%100))
	binary.BigEndian.PutUint32(item[4:], uint32(n))
	return string(item)
}

// checkRecords checks that got are whole records, each producer's in order
// from the first, and returns how many.
func checkRecords(t *testing.T, r io.Reader) (count int) {
	t.Helper()
	next := map[int]int{}
	for ; ; count++ {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err == io.EOF {
			return count
		} else if err != nil {
			t.Fatalf("record %d: %v", count, err)
		}
		producer, n := int(head[0]), int(binary.BigEndian.Uint32(head[4:]))
		if n != next[producer] {
			t.Fatalf("producer %d: got record %d, want %d", producer, n, next[producer])
		}
		next[producer]++
		if _, err := io.CopyN(io.Discard, r, int64(head[3])); err != nil {
			t.Fatalf("record %d: %v", count, err)
		}
	}
}

func TestWriterKeepsTheOrderOfEachOfManyProducers(t *testing.T) {
	client, server := pair(t, filePipe, nil)
	near, far := stream(t, client, server)
	w := NewWriter(near)
	ctx := testContext(t)
	const producers, each = 8, 3000
	var group sync.WaitGroup
	for p := range producers {
		group.Go(func() {
			for n := range each {
				if err := put(ctx, w, record(p, n)); err != nil {
					t.Errorf("put: %v", err)
					return
				}
				if n%100 == p {
					w.Flush(context.Background())
				}
			}
		})
	}
	go func() {
		group.Wait()
		w.Drain(context.Background())
		near.Close()
	}()
	if got := checkRecords(t, far); got != producers*each {
		t.Errorf("got %d records, want %d", got, producers*each)
	}
}

// Contexts end all the time while the window is full more often than not. An
// item that was refused is tried again.
func TestWriterKeepsItemsWholeThoughContextsEnd(t *testing.T) {
	client, server := pair(t, filePipe, nil)
	near, far := stream(t, client, server)
	w := NewWriter(near)
	const producers, each = 4, 10_000
	var group sync.WaitGroup
	for p := range producers {
		group.Go(func() {
			for n := 0; n < each; {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n%50)*10*time.Microsecond)
				err := put(ctx, w, record(p, n))
				cancel()
				switch {
				case err == nil:
					n++
				case !errors.Is(err, context.DeadlineExceeded):
					t.Errorf("put: %v", err)
					return
				}
			}
		})
	}
	go func() {
		group.Wait()
		w.Drain(context.Background())
		near.Close()
	}()
	if got := checkRecords(t, far); got != producers*each {
		t.Errorf("got %d records, want %d", got, producers*each)
	}
}
