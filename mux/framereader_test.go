package mux

import (
	"slices"
	"testing"
)

// reads is a connection whose Reads return as many bytes as they are told to.
type reads struct{ sizes []int }

func (r *reads) Read(p []byte) (int, error) {
	n := min(r.sizes[0], len(p))
	r.sizes = r.sizes[1:]
	return n, nil
}

// fills reads all that is there, takes it, and returns the buffers that were used.
func fills(t *testing.T, fr *frameReader, sizes ...int) (buffers int) {
	t.Helper()
	conn := &reads{sizes}
	for len(conn.sizes) > 0 {
		before := fr.buf
		if _, err := fr.fill(conn); err != nil {
			t.Fatal(err)
		}
		if len(before) == 0 || &before[0] != &fr.buf[0] {
			buffers++
		}
		fr.skip(fr.left())
	}
	return buffers
}

// A connection on which short frames and much at once take turns, as they do
// where the peer is a little slower, keeps its buffer.
func TestBufferIsKeptWhileMuchComesNowAndThen(t *testing.T) {
	fr := &frameReader{size: readSize}
	fills(t, fr, slices.Repeat([]int{maxReadSize}, 20)...)
	if len(fr.buf) != maxReadSize {
		t.Fatalf("the buffer has %d bytes, want %d", len(fr.buf), maxReadSize)
	}
	if n := fills(t, fr, slices.Repeat([]int{12, 12, 12, maxReadSize}, 100)...); n > 0 {
		t.Errorf("%d new buffers were made, want none", n)
	}
}

// One on which little comes gives it back.
func TestBufferIsGivenBack(t *testing.T) {
	fr := &frameReader{size: readSize}
	fills(t, fr, slices.Repeat([]int{maxReadSize}, 20)...)
	fills(t, fr, slices.Repeat([]int{12}, 1000)...)
	if len(fr.buf) > 2*readSize {
		t.Errorf("the buffer has %d bytes, want %d at the most", len(fr.buf), 2*readSize)
	}
}
