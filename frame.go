package luagw

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// MaxItem is the most that one item may take on the wire, in bytes. Larger
// things travel in pieces, by [Channel.Writer] and [Channel.Reader].
const MaxItem = 64 << 20

// A frame is the length of its payload as four bytes, big endian, its kind as
// one byte, and the payload. See doc/protocol.md.
const frameHeader = 5

// kind says what a frame is. Values are never reused or changed.
type kind byte

const (
	// In a channel, both ways.
	kindItem  kind = 1 // a value
	kindEnd   kind = 2 // no more items; the sender may still receive
	kindClose kind = 3 // done, both ways: results and the number of lines printed
	kindError kind = 4 // done, both ways: an error and the number of lines printed

	// The first frame of a stream.
	kindExec    kind = 16 // run a chunk; the stream is its channel
	kindChannel kind = 17 // a channel that will travel as a value
	kindDial    kind = 18 // reach further; raw bytes follow the answer
	kindStatus  kind = 19 // answered by one kindClose
	kindControl kind = 20 // settings; the stream carries the frames below
	kindModule  kind = 21 // the source of a module; answered by one kindClose

	// In the control stream.
	kindReady  kind = 32 // the settings are in force
	kindCancel kind = 33 // the fragment of a stream is not wanted any more
	kindPrint  kind = 35 // a line that a fragment printed
	kindStderr kind = 36 // what was said beside the connection of a dial
	kindExit   kind = 37 // nothing is left of what a dial reached
)

var (
	errFrameSize = errors.New("protocol error: frame larger than the maximum")
	errFrameKind = errors.New("protocol error: frame of unknown kind")
	errMalformed = errors.New("protocol error: malformed frame")
)

// beginFrame appends a header whose length endFrame will fill in.
func beginFrame(b []byte, k kind) []byte { return append(b, 0, 0, 0, 0, byte(k)) }

// endFrame completes the frame that begins at start.
func endFrame(b []byte, start int) ([]byte, error) {
	n := len(b) - start - frameHeader
	if n > MaxItem {
		return b[:start], &ValueError{Path: "item", Type: fmt.Sprintf("%d bytes", n), Reason: fmt.Sprintf("larger than the maximum of %d", MaxItem)}
	}
	binary.BigEndian.PutUint32(b[start:], uint32(n))
	return b, nil
}

// frameLength is the payload's length of the frame that b begins with.
func frameLength(b []byte) (int, error) {
	n := binary.BigEndian.Uint32(b)
	if n > MaxItem {
		return 0, fmt.Errorf("%w: %d bytes", errFrameSize, n)
	}
	return int(n), nil
}

// trust is how much is allocated on the word of a frame's header, before that
// much of it has arrived: a string of 1 MiB and a little.
const trust = 1<<20 + 1<<10

// reused is the length from which a frame's memory is used again when its item
// was decoded to what keeps nothing of it: for a program with a small heap new
// memory for each would mean to collect garbage after every few of them.
const reused = 64 << 10

// mostReused is the largest such memory that is kept.
const mostReused = 4 << 20

// spareFrames is memory of large frames, as []byte of length 0.
var spareFrames sync.Pool

// newFrame returns room for a frame of n bytes: of length 0 and at least that
// capacity.
func newFrame(n int) []byte {
	if n < reused {
		return make([]byte, 0, n)
	}
	if spare, ok := spareFrames.Get().(*[]byte); ok && cap(*spare) >= n {
		return *spare
	}
	const page = 8 << 10 // large memory comes in such pieces anyway; each use of a frame takes its header's bytes
	return make([]byte, 0, (n+page-1)/page*page)
}

// copyFrames returns a copy of whole frames.
func copyFrames(p []byte) []byte {
	if len(p) < reused {
		return bytes.Clone(p)
	}
	return append(newFrame(len(p)), p...)
}

// reuse takes the memory of a payload of which nobody keeps anything.
func reuse(payload []byte) {
	if cap(payload) >= reused && cap(payload) <= mostReused {
		payload = payload[:0]
		spareFrames.Put(&payload)
	}
}

// minRoom is the room for what follows a part of a frame: most requests fit.
const minRoom = 512

// wholeFrame returns the length, with its header, of the frame that b begins
// with; 0 if b has only a part of it.
func wholeFrame(b []byte) (int, error) {
	if len(b) < frameHeader {
		return 0, nil
	}
	n, err := frameLength(b)
	if err != nil || len(b) < frameHeader+n {
		return 0, err
	}
	return frameHeader + n, nil
}

// room is how much to allocate for the frame of which b is a part.
func room(b []byte) int {
	need := len(b) + minRoom
	if len(b) < frameHeader {
		return need
	}
	length, _ := frameLength(b) // wholeFrame has checked it
	return max(need, frameHeader+min(length, max(trust, 2*need)))
}

// frameReader reads frames from a stream. It belongs to one goroutine.
type frameReader struct {
	stream io.Reader
	buf    []byte // read and not yet taken
}

func newFrameReader(stream io.Reader) *frameReader { return &frameReader{stream: stream} }

// next returns one frame. The payload is the caller's to keep.
func (fr *frameReader) next() (kind, []byte, error) {
	for {
		n, err := wholeFrame(fr.buf)
		if err != nil {
			return 0, nil, err
		}
		if n > 0 {
			frame := fr.buf[:n:n]
			fr.buf = fr.buf[n:]
			return kind(frame[4]), frame[frameHeader:], nil
		}
		if err := fr.fill(); err != nil {
			return 0, nil, err
		}
	}
}

// fill reads more. A stream that ends within a frame is cut off.
func (fr *frameReader) fill() error {
	if need := room(fr.buf); cap(fr.buf) < need {
		fr.buf = append(make([]byte, 0, need), fr.buf...)
	}
	n, err := fr.stream.Read(fr.buf[len(fr.buf):cap(fr.buf)])
	fr.buf = fr.buf[:len(fr.buf)+n]
	switch {
	case n > 0:
		return nil
	case err == io.EOF && len(fr.buf) > 0:
		return io.ErrUnexpectedEOF
	}
	return err
}
