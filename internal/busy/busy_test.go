//go:build linux

package busy

import (
	"bytes"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

// pipe is a pipe, and a reader of it that is awake.
func pipe(t *testing.T) (r *Reader, in, out *os.File) {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); out.Close() })
	r = NewReader(in)
	if r == nil {
		t.Fatal("no reader for a pipe")
	}
	return r, in, out
}

func TestPollReturnsWhatIsThereOrComes(t *testing.T) {
	r, _, out := pipe(t)
	buf := make([]byte, 8)
	out.WriteString("there")
	if n := r.Poll(buf, 0); string(buf[:n]) != "there" {
		t.Errorf("got %q", buf[:n])
	}
	go func() {
		for waiting.Load() == 0 && t.Context().Err() == nil {
			runtime.Gosched()
		}
		out.WriteString("comes")
	}()
	if n := r.Poll(buf, 10*time.Second); string(buf[:n]) != "comes" {
		t.Errorf("got %q", buf[:n])
	}
}

func TestPollGivesUpAfterItsTime(t *testing.T) {
	r, _, _ := pipe(t)
	start := time.Now()
	if n := r.Poll(make([]byte, 8), 2*time.Millisecond); n != 0 {
		t.Errorf("got %d bytes", n)
	}
	if took := time.Since(start); took < 2*time.Millisecond {
		t.Errorf("gave up after %v", took)
	}
}

// TestPollLeavesOtherThingsToTell has it return at once, and the file's own Read
// tell what there is.
func TestPollLeavesOtherThingsToTell(t *testing.T) {
	for _, tt := range []struct {
		name   string
		happen func(in, out *os.File)
	}{
		{"end of the input", func(_, out *os.File) { out.Close() }},
		{"closed", func(in, _ *os.File) { in.Close() }},
		{"deadline", func(in, _ *os.File) { in.SetReadDeadline(time.Unix(1, 0)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, in, out := pipe(t)
			tt.happen(in, out)
			start := time.Now()
			if n := r.Poll(make([]byte, 8), time.Minute); n != 0 {
				t.Errorf("got %d bytes", n)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("returned after %v", took)
			}
			if _, err := in.Read(make([]byte, 8)); err == nil {
				t.Error("Read tells nothing")
			}
		})
	}
}

// TestFewWaitAtATime has so many wait that there is a processor left for the
// program's other goroutines.
func TestFewWaitAtATime(t *testing.T) {
	most := max(1, runtime.GOMAXPROCS(0)/2)
	waiting.Add(int32(most))
	defer waiting.Add(-int32(most))
	r, _, out := pipe(t)
	out.WriteString("there")
	if n := r.Poll(make([]byte, 8), time.Minute); n != 0 {
		t.Errorf("read %d bytes, with %d waiting already", n, most)
	}
	w := NewWriter(out)
	if n := w.PollWrite(make([]byte, 8), time.Minute); n != 0 {
		t.Errorf("wrote %d bytes, with %d waiting already", n, most)
	}
	if n := w.PollWrite(make([]byte, 8), 0); n != 8 {
		t.Errorf("wrote %d bytes without waiting; want 8", n)
	}
}

func TestNilFindsNothing(t *testing.T) {
	var w *Writer
	if n := w.PollWrite(make([]byte, 8), time.Minute); n != 0 {
		t.Errorf("wrote %d bytes", n)
	}
	var r *Reader
	if n := r.Poll(make([]byte, 8), time.Minute); n != 0 {
		t.Errorf("got %d bytes", n)
	}
}

// conn is a connection that knows how to be asked.
type conn struct{}

func (conn) Poll([]byte, time.Duration) int { return 7 }

func TestOf(t *testing.T) {
	if p := Of(conn{}); p == nil || p.Poll(nil, 0) != 7 {
		t.Error("a Poller is not taken for one")
	}
	if p := Of(os.Stdin); p != nil {
		t.Error("something is made of what is no connection")
	}
	l, err := net.Listen("unix", t.TempDir()+"/socket")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	go far.Write([]byte("comes"))
	buf := make([]byte, 8)
	if n := Of(near).Poll(buf, 10*time.Second); string(buf[:n]) != "comes" {
		t.Errorf("got %q", buf[:n])
	}
}

// full is a pipe that has no room left.
func full(t *testing.T) (w *Writer, in *os.File) {
	t.Helper()
	_, in, out := pipe(t)
	if w = NewWriter(out); w == nil {
		t.Fatal("no writer for a pipe")
	}
	for w.PollWrite(make([]byte, 64<<10), 0) > 0 {
	}
	return w, in
}

func TestPollWriteTakesTurnsWithTheReader(t *testing.T) {
	w, in := full(t)
	held := 0
	for buf := make([]byte, 1<<20); held == 0; {
		held, _ = in.Read(buf)
	}
	sent := make([]byte, 4<<20)
	for i := range sent {
		sent[i] = byte(i / 1000)
	}
	got := make([]byte, len(sent))
	done := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(in, got)
		done <- err
	}()
	if n := w.PollWrite(sent, 10*time.Second); n != len(sent) {
		t.Fatalf("wrote %d bytes of %d, though somebody reads", n, len(sent))
	}
	if err := <-done; err != nil || !bytes.Equal(got, sent) {
		t.Errorf("what was read is not what was written (%v)", err)
	}
}

func TestPollWriteGivesUpAfterItsTime(t *testing.T) {
	w, _ := full(t)
	for _, d := range []time.Duration{0, 2 * time.Millisecond} {
		start := time.Now()
		if n := w.PollWrite(make([]byte, 8), d); n != 0 {
			t.Errorf("wrote %d bytes to a pipe without room", n)
		}
		if took := time.Since(start); took < d || took > 10*time.Second {
			t.Errorf("gave up after %v, where %v was its time", took, d)
		}
	}
}

// TestPollWriteLeavesErrorsToTell has it return at once, and the file's own
// Write tell what is wrong.
func TestPollWriteLeavesErrorsToTell(t *testing.T) {
	for name, happen := range map[string]func(in, out *os.File){
		"nobody reads": func(in, _ *os.File) { in.Close() },
		"closed":       func(_, out *os.File) { out.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			_, in, out := pipe(t)
			w := NewWriter(out)
			happen(in, out)
			start := time.Now()
			if n := w.PollWrite([]byte("text"), time.Minute); n != 0 {
				t.Errorf("wrote %d bytes", n)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("returned after %v", took)
			}
			if _, err := out.Write([]byte("text")); err == nil {
				t.Error("Write tells nothing")
			}
		})
	}
}
