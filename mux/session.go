package mux

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/luagw/luagw/internal/busy"
)

const (
	// closeWait is how long Close waits for a connection to take what is
	// left, and again for its Read to return. Those of an ordinary connection
	// do at once; a file in blocking mode does not let go of them.
	closeWait = time.Second

	// lastWords is how long a session whose connection takes no more bytes
	// reads on, for what the peer said before it stopped listening.
	lastWords = time.Second

	// maxHeld is how many bytes of frames wait for others. A peer that does
	// not read, but has us answer, is given up at tooMuchHeld.
	maxHeld     = 64 * headerSize
	tooMuchHeld = 1 << 20

	// readSize and maxReadSize bound what is read from the connection at
	// once: little while little comes.
	readSize    = 4 << 10
	maxReadSize = 128 << 10
)

// Session is one end of a connection that carries streams. Its methods may be
// called concurrently.
//
// Two things run on goroutines of its own: its reader, which ends with the
// connection, and its sweeper, which rests while nothing is held back. Writers
// write to the connection themselves, one at a time, and a [Session.Wait] may
// read it: handing frames to another goroutine costs two changes of goroutine
// for each, which takes longer than the write or the read.
type Session struct {
	conn              io.ReadWriteCloser
	window, maxWindow uint32        // of each stream, for what the peer sends
	learned           atomic.Uint32 // what a stream's window has grown to

	timeout time.Duration
	present <-chan struct{} // closed when the times count; nil if they always do
	sweeper sweeper

	writing sync.Mutex // one write at a time
	out     []byte     // what is being written; guarded by writing

	heldMu sync.Mutex // guards the following; not held during a write
	held   []byte     // frames that wait for the next write
	queued bool       // the sweeper will come by

	serves    bool // the peer opens the streams
	turn      turn
	frames    frameReader      // guarded by the turn
	accepting bool             // it is an Accept's; guarded by the turn
	readable  deadlineReader   // the connection, if its Read can be interrupted
	poller    busy.Poller      // the connection, if it is one
	room      busy.WritePoller // the connection, if it is one
	eagerOut  eagerness        // guarded by writing
	eager     eagerness        // guarded by the turn
	resting   atomic.Bool      // somebody reads who has to be woken by an interrupt

	stall    stallGuard
	received atomic.Int64 // reads that brought something: signs of life
	trip     atomic.Int64 // the shortest round trip that was measured, in nanoseconds; 0 if none was

	mu         sync.Mutex // guards the following
	streams    map[uint32]*Stream
	nextID     uint32
	peerID     uint32    // the last stream that the peer opened
	waiting    []*Stream // opened by the peer and not accepted yet
	unaccepted int       // opened here and not acknowledged yet
	opening    int       // calls of Open that wait for that
	goneAway   bool      // the peer takes no more streams
	pings      map[uint32]chan struct{}
	pingID     uint32
	probed     time.Time // when the last probe was sent
	probeID    uint32
	err        error // why the session ends; the first reason stays
	ended      bool

	acceptable chan struct{} // cap 1: there is a stream to accept
	openable   chan struct{} // cap 1: a stream can be opened
	done       chan struct{} // closed when the session has ended
	readDone   chan struct{} // closed when nothing more will arrive
}

func newSession(c io.ReadWriteCloser, cfg *Config, firstID uint32) (*Session, error) {
	s := &Session{
		conn: c, nextID: firstID,
		streams: map[uint32]*Stream{}, acceptable: make(chan struct{}, 1), openable: make(chan struct{}, 1),
		done: make(chan struct{}), readDone: make(chan struct{}),
	}
	s.window, s.maxWindow = cfg.windows()
	keepAlive, timeout := cfg.timing()
	s.timeout = timeout
	if cfg != nil {
		s.present = cfg.Present
	}
	s.frames.size, s.serves = readSize, firstID == 2
	if s.readable = interruptible(c); s.readable != nil {
		s.turn.init()
	}
	s.poller, _ = c.(busy.Poller)
	s.room, _ = c.(busy.WritePoller)
	go s.read()
	if keepAlive > 0 {
		go s.keepAlive(keepAlive)
	}
	return s, nil
}

// Open opens a stream. It costs no round trip and no write: the peer learns of
// it with the first Write, or a millisecond later. It waits, until ctx ends,
// only while some hundred streams are not yet accepted by the peer.
func (s *Session) Open(ctx context.Context) (*Stream, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		st, err := s.open()
		if st != nil || err != nil {
			return st, err
		}
		if err := s.awaitOpenable(ctx); err != nil {
			return nil, err
		}
	}
}

// open opens a stream, or none if too many are not yet accepted.
func (s *Session) open() (*Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return nil, s.err
	case s.goneAway:
		return nil, errGoneAway
	case s.nextID >= 1<<32-2:
		return nil, errExhausted
	case s.unaccepted >= backlog:
		return nil, nil
	}
	st := newStream(s, s.nextID, s.firstWindowLocked())
	st.opening = true
	s.nextID += 2
	s.unaccepted++
	s.streams[st.id] = st
	s.wakeOpenLocked()
	s.hold(header{typ: typeUpdate, flags: flagSYN, stream: st.id, length: st.grantAll()})
	return st, nil
}

// grantAll lets the peer use the whole window from the start.
func (st *Stream) grantAll() (more uint32) {
	more = st.size - st.granted
	st.granted = st.size
	return more
}

func (s *Session) awaitOpenable(ctx context.Context) error {
	s.mu.Lock()
	s.opening++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.opening--
		s.mu.Unlock()
	}()
	select {
	case <-s.openable:
		return nil
	case <-s.done:
		return s.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wakeOpenLocked wakes one Open that waits, if a stream can be opened.
func (s *Session) wakeOpenLocked() {
	if s.opening > 0 && s.unaccepted < backlog {
		notify(s.openable)
	}
}

// acknowledged notes that the peer accepted, or refused, a stream.
func (s *Session) acknowledged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unaccepted--
	s.wakeOpenLocked()
}

// Accept waits for a stream that the peer opened, until ctx or the session
// ends. When the session has ended, it returns after the last bytes that arrived
// were given to their receivers, or a second later if the connection does not
// let go of its reader. A session whose streams nobody accepts refuses them in
// the end, so some goroutine must always be in here and hand the streams on at
// once.
func (s *Session) Accept(ctx context.Context) (*Stream, error) {
	for {
		st, err := s.accept()
		if err != nil {
			<-s.done
			s.awaitReader()
			return nil, err
		}
		if st != nil {
			s.hold(header{typ: typeUpdate, flags: flagACK, stream: st.id, length: st.acceptGrant()})
			return st, nil
		}
		if err := s.awaitStream(ctx); err != nil {
			return nil, err
		}
	}
}

func (s *Session) accept() (*Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	if len(s.waiting) == 0 {
		return nil, nil
	}
	st := s.waiting[0]
	s.waiting[0] = nil
	s.waiting = s.waiting[1:]
	if len(s.waiting) > 0 {
		notify(s.acceptable)
	}
	return st, nil
}

// acceptGrant is grantAll for a stream on which bytes may have come already.
func (st *Stream) acceptGrant() (more uint32) {
	st.mu.Lock()
	defer st.mu.Unlock()
	more = st.size - st.unread - st.granted
	st.granted += more
	return more
}

// forget removes a stream that both sides have closed.
func (s *Session) forget(id uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, id)
}

// NumStreams is the number of streams that are not finished on both sides; 0
// when the session has ended.
func (s *Session) NumStreams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0
	}
	return len(s.streams)
}

// Ping measures the round trip to the peer and back. It ends the session with
// ErrStalled when nothing at all comes back within Config.Timeout.
func (s *Session) Ping() (time.Duration, error) {
	answer := make(chan struct{})
	s.mu.Lock()
	id := s.pingID
	s.pingID++
	if s.pings == nil {
		s.pings = map[uint32]chan struct{}{}
	}
	s.pings[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.pings, id)
		s.mu.Unlock()
	}()

	s.turn.enlist()
	defer s.turn.delist()
	before, start := s.received.Load(), time.Now()
	if err := s.write(header{typ: typePing, flags: flagSYN, length: id}, nil); err != nil {
		return 0, err
	}
	timer := time.NewTimer(s.timeout)
	defer timer.Stop()
	select {
	case <-answer:
		return time.Since(start), nil
	case <-s.done:
		return 0, s.Err()
	case <-timer.C:
	}
	if s.received.Load() != before {
		return 0, os.ErrDeadlineExceeded
	}
	s.end(ErrStalled)
	return 0, s.Err()
}

// keepAlive pings until the session ends. That is all it is for: a ping that
// finds the connection dead ends the session.
func (s *Session) keepAlive(every time.Duration) {
	if s.present != nil {
		select {
		case <-s.present:
		case <-s.done:
			return
		}
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.Ping()
		case <-s.done:
			return
		}
	}
}

// EndAfterSilence ends the session with ErrStalled when nothing at all has come
// from the peer for d, within a quarter of that more. It is for the side that
// does not ping itself.
func (s *Session) EndAfterSilence(d time.Duration) {
	go func() { // ends with the session
		ticker := time.NewTicker(max(d/4, time.Millisecond))
		defer ticker.Stop()
		heard, quiet := s.received.Load(), 0
		for {
			select {
			case <-ticker.C:
			case <-s.done:
				return
			}
			if now := s.received.Load(); now != heard {
				heard, quiet = now, 0
				continue
			}
			if quiet++; quiet >= 4 {
				s.end(ErrStalled)
				return
			}
		}
	}()
}

// Close ends the session at once: every stream, and the connection. It waits
// for what else is going on to end, for two seconds at the most.
func (s *Session) Close() error {
	s.fail(ErrClosed)
	waitBriefly(s.flushLast)
	s.end(ErrClosed)
	s.awaitReader()
	return nil
}

// awaitReader waits for the reader to end, closeWait at the most.
func (s *Session) awaitReader() {
	timer := time.NewTimer(closeWait)
	defer timer.Stop()
	select {
	case <-s.readDone:
	case <-timer.C:
	}
}

// waitBriefly runs f and waits for it, closeWait at the most. After that f goes
// on until the connection lets go of it.
func waitBriefly(f func()) {
	done := make(chan struct{})
	go func() {
		f()
		close(done)
	}()
	timer := time.NewTimer(closeWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// Done is closed when the session has ended, for whatever reason.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err is why the session ended: ErrClosed after Close on this side, ErrStalled,
// the connection's error (io.EOF when the peer hung up), or an ErrProtocol. Nil
// before. It is always the same.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// fail keeps the reason for the session's end; the first one explains the
// others. It tells whether this is it.
func (s *Session) fail(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return false
	}
	s.err = err
	return true
}

// end ends the session: everybody who waits is told, and the connection closed.
func (s *Session) end(err error) {
	s.fail(err)
	s.mu.Lock()
	ended := s.ended
	s.ended = true
	s.mu.Unlock()
	if ended {
		return
	}
	close(s.done)
	s.conn.Close()
}

var (
	errGoneAway  = errors.New("mux: the peer takes no more streams")
	errExhausted = errors.New("mux: no stream numbers left")
)
