package mux

import "io"

// frameReader reads a connection into a buffer that grows while much comes.
type frameReader struct {
	buf        []byte
	start, end int // what was read and not taken yet
	size       int // of the next buffer
	small      int // how many reads in a row were much less than that
	lacks      int // how many bytes the frame has of which a part is there
}

// fill reads once.
func (r *frameReader) fill(conn io.Reader) (int, error) {
	r.makeRoom(max(r.lacks, headerSize))
	n, err := conn.Read(r.buf[r.end:])
	r.end += n
	if n > 0 {
		r.adapt(n)
		return n, nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return 0, err
}

// have returns the next n bytes, which remain valid until fill; nil if there
// are less.
func (r *frameReader) have(n int) []byte {
	if r.left() < n {
		r.lacks = n
		return nil
	}
	return r.buf[r.start : r.start+n]
}

func (r *frameReader) skip(n int) { r.start, r.lacks = r.start+n, 0 }

// left is how many bytes are there.
func (r *frameReader) left() int { return r.end - r.start }

// makeRoom makes room for n bytes in all. A frame longer than was ever read at
// once gets a buffer that grows as its bytes come, and not on its header's word.
func (r *frameReader) makeRoom(n int) {
	left := r.end - r.start
	if want := max(r.size, min(n, left+max(left, r.size))); len(r.buf) < want || r.start == r.end && len(r.buf) > 2*want {
		buf := make([]byte, want)
		copy(buf, r.buf[r.start:r.end])
		r.buf, r.start, r.end = buf, 0, left
		return
	}
	if r.start > 0 && (left == 0 || r.start+n > len(r.buf) || r.end == len(r.buf)) {
		copy(r.buf, r.buf[r.start:r.end])
		r.start, r.end = 0, left
	}
}

// smallInRow is after how many small reads in a row a buffer gets smaller. Where
// short frames and much at once take turns, one that followed each would be made
// anew all the time.
const smallInRow = 16

// adapt lets the buffer follow what comes.
func (r *frameReader) adapt(read int) {
	if r.small++; read >= r.size/8 {
		r.small = 0
	}
	switch {
	case r.end == len(r.buf) && r.size < maxReadSize:
		r.size *= 2
	case r.small >= smallInRow && r.size > readSize:
		r.size, r.small = r.size/2, 0
	}
}
