package luagw

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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

// minRoom is the room for what follows a part of a frame.
const minRoom = 4 << 10

// pieces is what frames are read from: a stream, in the pieces that arrived.
// The bytes of a piece are the caller's to keep.
type pieces interface {
	Next() ([]byte, error)
	Read(p []byte) (int, error)
}

// frameReader reads frames from a stream, many at a time where many come.
// It belongs to one goroutine.
type frameReader struct {
	pieces pieces
	buf    []byte // read and not yet taken
}

func newFrameReader(p pieces) *frameReader { return &frameReader{pieces: p} }

// next returns one frame. The payload is the caller's to keep.
func (fr *frameReader) next() (kind, []byte, error) {
	for {
		k, frame, err := fr.peek()
		if err != nil {
			return 0, nil, err
		}
		if frame != nil {
			fr.buf = fr.buf[len(frame):]
			return k, frame[frameHeader:len(frame):len(frame)], nil
		}
		if err := fr.fill(); err != nil {
			return 0, nil, err
		}
	}
}

// peek returns the whole frame at the front of the buffer, or nil.
func (fr *frameReader) peek() (kind, []byte, error) {
	if len(fr.buf) < frameHeader {
		return 0, nil, nil
	}
	n, err := frameLength(fr.buf)
	if err != nil {
		return 0, nil, err
	}
	if len(fr.buf) < frameHeader+n {
		return 0, nil, nil
	}
	return kind(fr.buf[4]), fr.buf[:frameHeader+n], nil
}

// items takes the run of whole item frames at the front of the buffer.
// The bytes are the caller's to keep.
func (fr *frameReader) items() ([]byte, error) {
	run, rest := 0, fr.buf
	for len(rest) >= frameHeader && kind(rest[4]) == kindItem {
		n, err := frameLength(rest)
		if err != nil {
			return nil, err
		}
		if len(rest) < frameHeader+n {
			break
		}
		run += frameHeader + n
		rest = rest[frameHeader+n:]
	}
	items := fr.buf[:run:run]
	fr.buf = fr.buf[run:]
	return items, nil
}

// fill reads one more piece, or more of a frame of which a part is there. A
// stream that ends within a frame is cut off.
func (fr *frameReader) fill() (err error) {
	if len(fr.buf) == 0 {
		fr.buf, err = fr.pieces.Next()
		return err
	}
	fr.reserve()
	n, err := fr.pieces.Read(fr.buf[len(fr.buf):cap(fr.buf)])
	fr.buf = fr.buf[:len(fr.buf)+n]
	switch {
	case n > 0:
		return nil
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}

// reserve makes room for more, and for all of the frame at the front as far as
// its header can be trusted.
func (fr *frameReader) reserve() {
	need := len(fr.buf) + minRoom
	if len(fr.buf) >= frameHeader {
		length, _ := frameLength(fr.buf) // peek has checked it
		need = max(need, frameHeader+min(length, max(trust, 2*need)))
	}
	if cap(fr.buf) < need {
		fr.buf = append(make([]byte, 0, need), fr.buf...)
	}
}
