package mux

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxWrite is the most that goes into one frame, so that streams take
	// turns on the connection.
	maxWrite = 64 << 10

	// tiny is the length below which what arrives is put together with what
	// waits to be read, for each piece costs memory of its own.
	tiny = 4 << 10
)

// Receiver takes what arrives on a stream as soon as it is there. It is called
// by the session's own reader, which waits for it, so it must not block, nor
// call anything that waits for the session to end.
type Receiver interface {
	// Arrive takes bytes in the order in which the peer wrote them. They are
	// the session's again when it returns. An error ends the session, and is
	// the session's.
	Arrive(p []byte) error

	// End tells that nothing more will come: err is io.EOF when the peer
	// closed the stream, or ErrReset. The end of the session is not told
	// here but by Accept.
	End(err error)
}

// Stream is one of a session's streams. One goroutine at a time may be in
// Read, and one in Write; all other methods may be called concurrently.
type Stream struct {
	session *Session
	id      uint32

	readable chan struct{} // cap 1: there is something to read, or an end
	writable chan struct{} // cap 1: the peer's window has grown, or an end
	patient  atomic.Bool   // Reads are in no hurry
	readBy   deadline
	writeBy  deadline

	mu      sync.Mutex // guards the following
	pieces  [][]byte   // arrived and not read yet, none empty
	taken   int        // bytes of the first piece that were read
	unread  uint32     // bytes in pieces
	granted uint32     // bytes that the peer may still send
	size    uint32     // of the window for what the peer sends
	window  uint32     // bytes that the peer will still take
	ack     bool       // the peer's opening is still to be acknowledged
	opening bool       // opened here and not acknowledged yet
	finSent bool
	writing bool // a frame of data is on its way to the connection
	finGot  bool
	reset   bool

	grantedAt time.Time // when the peer was last allowed more

	receiver Receiver // gets what arrives; nil while Read does
}

func newStream(s *Session, id, size uint32) *Stream {
	return &Stream{
		session: s, id: id, granted: MinWindow, window: MinWindow, size: size,
		readable: make(chan struct{}, 1), writable: make(chan struct{}, 1),
	}
}

// ID is the stream's number, the same on both sides of the session.
func (st *Stream) ID() uint32 { return st.id }

// Read reads what the peer wrote. It returns io.EOF only when the peer closed
// the stream. Otherwise the error is ErrReset, os.ErrDeadlineExceeded or the
// session's, with io.ErrUnexpectedEOF for a connection that the peer hung up.
// What had arrived before the session ended is read first.
func (st *Stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := st.awaitData(); err != nil {
		return 0, err
	}
	st.mu.Lock()
	n := copy(p, st.pieces[0][st.taken:])
	if st.taken += n; st.taken == len(st.pieces[0]) {
		giveBack(st.pieces[0])
		st.shiftLocked()
	}
	h := st.grantLocked(n)
	st.mu.Unlock()
	if h.length > 0 {
		st.session.write(h, nil) // a session that cannot write is about to end, and the next Read tells
	}
	return n, nil
}

// Deliver hands what has arrived and was not read to r, and from then on all
// that arrives. It must not be called during or before a Read.
func (st *Stream) Deliver(r Receiver) error {
	for {
		piece, end, over := st.handOver(r)
		if over && end != nil {
			r.End(end)
		}
		if over {
			return nil
		}
		if err := r.Arrive(piece); err != nil {
			st.session.end(err)
			return err
		}
	}
}

// handOver takes a piece for the receiver-to-be. When there is none it is the
// receiver from now on, but for the end if that has come.
func (st *Stream) handOver(r Receiver) (piece []byte, end error, over bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.pieces) == 0 {
		st.receiver = r
		return nil, st.readEndLocked(), true
	}
	piece = st.pieces[0][st.taken:]
	st.shiftLocked()
	return piece, nil, false
}

// Consumed lets the peer send n bytes more, of those that a Receiver got. It
// does not block.
func (st *Stream) Consumed(n int) {
	st.mu.Lock()
	h := st.grantLocked(n)
	st.mu.Unlock()
	if h.length > 0 {
		st.session.hold(h)
		st.session.flushSoon()
	}
}

func (st *Stream) shiftLocked() {
	st.taken = 0
	st.pieces[0] = nil
	st.pieces = st.pieces[1:]
	if len(st.pieces) == 0 {
		st.pieces = nil
	}
}

// awaitData waits until there is something to read.
func (st *Stream) awaitData() error {
	for {
		st.mu.Lock()
		any, end := len(st.pieces) > 0, st.readEndLocked()
		st.mu.Unlock()
		switch {
		case any:
			return nil
		case end != nil:
			return end
		}
		if err := st.awaitReadable(); err != nil {
			return err
		}
	}
}

// awaitReadable waits until there may be something to read.
func (st *Stream) awaitReadable() error {
	if !st.patient.Load() {
		st.session.turn.enlist()
		defer st.session.turn.delist()
	}
	select {
	case <-st.readable:
	case <-st.session.done:
		return st.readEnd()
	case <-st.readBy.wait():
		return os.ErrDeadlineExceeded
	}
	return nil
}

// SetPatient says that Reads on the stream may wait a millisecond longer than
// need be: they do not keep a [Session.Wait] from reading the connection itself.
func (st *Stream) SetPatient() { st.patient.Store(true) }

// readEnd is why nothing more will come, once the session has ended; nil if
// something is left to be read.
func (st *Stream) readEnd() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.pieces) > 0 {
		return nil
	}
	if end := st.readEndLocked(); end != nil {
		return end
	}
	return unexpected(st.session.Err())
}

func (st *Stream) readEndLocked() error {
	switch {
	case st.finGot:
		return io.EOF
	case st.reset:
		return ErrReset
	}
	return nil
}

// grantLocked notes that n bytes were taken, and makes the frame by which the
// peer may send more when half of the window is used up; otherwise an empty one.
func (st *Stream) grantLocked(n int) header {
	st.unread -= uint32(n)
	if st.size-st.unread-st.granted < st.size/2 || st.finGot || st.reset {
		return header{}
	}
	st.tuneLocked()
	more := st.size - st.unread - st.granted
	st.granted += more
	return header{typ: typeUpdate, flags: st.flagsLocked(), stream: st.id, length: more}
}

// flagsLocked are the flags that the next frame has to carry.
func (st *Stream) flagsLocked() uint16 {
	if !st.ack {
		return 0
	}
	st.ack = false
	return flagACK
}

// Write writes all of p, waiting while the peer's window is full. The error is
// ErrClosed, ErrReset, os.ErrDeadlineExceeded or the session's, as for Read.
// After a deadline the stream remains usable and n says how much was taken.
func (st *Stream) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		m, flags, err := st.takeWindow(min(len(p), maxWrite))
		if err != nil {
			return n, err
		}
		h := header{typ: typeData, flags: flags, stream: st.id, length: uint32(m)}
		err = st.session.write(h, p[:m])
		st.wrote()
		if err != nil {
			return n, unexpected(err)
		}
		p, n = p[m:], n+m
	}
	return n, nil
}

// takeWindow takes up to n bytes of the peer's window, waiting for it to open.
func (st *Stream) takeWindow(n int) (int, uint16, error) {
	for {
		st.mu.Lock()
		if err := st.writeEndLocked(); err != nil {
			st.mu.Unlock()
			return 0, 0, err
		}
		if st.window > 0 {
			m := min(uint32(n), st.window)
			st.window -= m
			st.writing = true
			flags := st.flagsLocked()
			st.mu.Unlock()
			return int(m), flags, nil
		}
		st.mu.Unlock()
		if err := st.awaitWritable(); err != nil {
			return 0, 0, err
		}
	}
}

// awaitWritable waits until the peer may have opened its window.
func (st *Stream) awaitWritable() error {
	st.session.turn.enlist()
	defer st.session.turn.delist()
	select {
	case <-st.writable:
	case <-st.session.done:
	case <-st.writeBy.wait():
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (st *Stream) writeEndLocked() error {
	if err := st.session.Err(); err != nil {
		return unexpected(err)
	}
	switch {
	case st.finSent:
		return ErrClosed
	case st.reset:
		return ErrReset
	}
	return nil
}

// unexpected keeps the end of the connection from looking like a stream's.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// SetReadDeadline bounds Read, also one in progress. The zero time is no bound.
func (st *Stream) SetReadDeadline(t time.Time) error {
	st.readBy.set(t)
	notify(st.readable)
	return nil
}

// SetWriteDeadline bounds the wait for the peer's window in Write, also in one
// in progress. The zero time is no bound.
func (st *Stream) SetWriteDeadline(t time.Time) error {
	st.writeBy.set(t)
	notify(st.writable)
	return nil
}

// Close says that nothing more will be written. Reading goes on until the peer
// has closed too, for as long as that takes; what is not wanted has to be read
// and thrown away. The stream is gone when both sides have closed it.
func (st *Stream) Close() error {
	st.mu.Lock()
	if st.finSent || st.reset {
		st.mu.Unlock()
		return nil
	}
	st.finSent = true
	over, writing, flags := st.finGot, st.writing, uint16(0)
	if !writing {
		flags = st.flagsLocked()
	}
	st.mu.Unlock()
	notify(st.writable)
	if !writing {
		st.sendFIN(flags)
	}
	if over {
		st.session.forget(st.id)
	}
	return nil
}

// wrote ends the writing of a frame, and sends the FIN of a Close that came in
// between: nothing may follow a FIN.
func (st *Stream) wrote() {
	st.mu.Lock()
	st.writing = false
	closed := st.finSent
	flags := uint16(0)
	if closed {
		flags = st.flagsLocked()
	}
	st.mu.Unlock()
	if closed {
		st.sendFIN(flags)
	}
}

func (st *Stream) sendFIN(flags uint16) {
	st.session.hold(header{typ: typeUpdate, flags: flags | flagFIN, stream: st.id})
}

// arrive takes a frame's flags and payload from the session's reader.
func (st *Stream) arrive(h header, payload []byte) error {
	to, end, err := st.take(h, payload)
	if err != nil || to == nil {
		return err
	}
	if len(payload) > 0 {
		if err := to.Arrive(payload); err != nil {
			return err
		}
	}
	if end != nil {
		to.End(end)
	}
	return nil
}

// take notes what a frame says. If there is a receiver for the payload, it
// returns that, and the end if it comes with this frame.
func (st *Stream) take(h header, payload []byte) (to Receiver, end error, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if h.typ == typeUpdate {
		if uint64(st.window)+uint64(h.length) > 1<<32-1 {
			return nil, nil, protocolError("window of stream %d overflows", st.id)
		}
		st.window += h.length
		notify(st.writable)
	}
	if len(payload) > 0 {
		if err := st.takeLocked(payload); err != nil {
			return nil, nil, err
		}
	}
	ended := st.readEndLocked() != nil
	if err := st.flagLocked(h.flags); err != nil {
		return nil, nil, err
	}
	if !ended {
		end = st.readEndLocked()
	}
	return st.receiver, end, nil
}

func (st *Stream) takeLocked(payload []byte) error {
	if uint32(len(payload)) > st.granted {
		return protocolError("%d bytes on stream %d, which may take %d", len(payload), st.id, st.granted)
	}
	if st.finGot {
		return protocolError("data behind the end of stream %d", st.id)
	}
	st.granted -= uint32(len(payload))
	st.unread += uint32(len(payload))
	if st.receiver == nil {
		st.keepLocked(payload)
		notify(st.readable)
	}
	return nil
}

// keepLocked keeps what arrived until it is read.
func (st *Stream) keepLocked(payload []byte) {
	if last := len(st.pieces) - 1; last >= 0 && len(st.pieces[last])+len(payload) <= tiny {
		st.pieces[last] = append(st.pieces[last], payload...)
		return
	}
	st.pieces = append(st.pieces, append(newPiece(len(payload)), payload...))
}

// spare holds large pieces that Read has emptied: making them anew, page by
// page, takes longer than filling them.
var spare = sync.Pool{New: func() any { return new([maxWrite]byte) }}

func newPiece(n int) []byte {
	if n <= maxWrite/2 || n > maxWrite {
		return make([]byte, 0, n)
	}
	return spare.Get().(*[maxWrite]byte)[:0]
}

func giveBack(piece []byte) {
	if cap(piece) == maxWrite {
		spare.Put((*[maxWrite]byte)(piece[:maxWrite]))
	}
}

// flagLocked acts on the flags of a frame that arrived.
func (st *Stream) flagLocked(flags uint16) error {
	if flags&flagACK != 0 && st.opening {
		st.opening = false
		st.session.acknowledged()
	}
	if flags&flagFIN != 0 {
		if st.finGot {
			return protocolError("stream %d ends twice", st.id)
		}
		st.finGot = true
		notify(st.readable)
	}
	if flags&flagRST != 0 {
		st.reset = true
		if st.opening {
			st.opening = false
			st.session.acknowledged()
		}
		notify(st.readable)
		notify(st.writable)
	}
	if st.reset || st.finGot && st.finSent {
		st.session.forget(st.id)
	}
	return nil
}

func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
