package mux

import (
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"
	"time"
)

// aheadOf reads a connection of which something was sent ahead.
type aheadOf struct {
	ahead
	io.Reader
}

func (a *aheadOf) Read(p []byte) (int, error) {
	if a.left() {
		return a.read(a.Reader, p)
	}
	return a.Reader.Read(p)
}

func TestAhead(t *testing.T) {
	for _, tt := range []struct {
		name, first, conn, want string
		err                     error
	}{
		{"nothing ahead", "", "all of it", "all of it", nil},
		{"more comes", "first", "first and more", "first and more", nil},
		{"nothing more", "first", "first", "first", nil},
		{"not all of it comes", "first", "fir", "first", nil},
		{"nothing comes", "first", "", "first", nil},
		{"others come", "first", "fist", "first", errOtherAhead},
		{"others come at once", "first", "x", "first", errOtherAhead},
	} {
		for name, way := range map[string]func(io.Reader) io.Reader{
			"all": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "with the end": iotest.DataErrReader,
		} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				near, far := memoryPipe()
				io.WriteString(near, tt.conn)
				near.Close()
				got, err := io.ReadAll(&aheadOf{newAhead([]byte(tt.first)), way(far)})
				if string(got) != tt.want || err != tt.err {
					t.Errorf("got %q, %v; want %q, %v", got, err, tt.want, tt.err)
				}
			})
		}
	}
}

// TestAheadDoesNotWait has the first bytes read before any come, and a Read
// interrupted in the middle of those that are skipped.
func TestAheadDoesNotWait(t *testing.T) {
	near, far := timedPipe()
	defer near.Close()
	conn := &aheadOf{newAhead([]byte("first")), far}
	buf := make([]byte, 20)
	read := func(want string) {
		t.Helper()
		if n, err := conn.Read(buf); string(buf[:n]) != want || err != nil {
			t.Fatalf("got %q, %v; want %q", buf[:n], err, want)
		}
	}
	read("first")
	io.WriteString(near, "fir")
	far.SetReadDeadline(time.Unix(1, 0))
	for range 2 {
		if n, err := conn.Read(buf); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("got %d, %v; want %v", n, err, os.ErrDeadlineExceeded)
		}
	}
	far.SetReadDeadline(time.Time{})
	io.WriteString(near, "st, more")
	read(", more")
}
