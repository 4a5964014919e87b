package mux

import (
	"sync"
	"time"
)

// maxJoin is the largest body that is copied behind its header, to leave in one
// write with it and with the frames that were held.
const maxJoin = maxWrite

// maxOut is the largest buffer that is kept for the next write: for the largest
// body with all that goes before it, and what append adds to that.
const maxOut = 2 * (maxJoin + maxHeld + headerSize)

// bulkWrite is the length from which a write is one of many that the peer reads as
// fast as it can.
const bulkWrite = 16 << 10

// write writes a frame, and before it those that were held, in one write.
func (s *Session) write(h header, body []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.Err(); err != nil {
		return err
	}
	s.out = h.append(s.takeHeld(s.out[:0]))
	s.out = append(s.out, body...)
	return s.send()
}

// send writes what is in out. The session ends when that fails, but not before
// what the peer said until then has been read.
func (s *Session) send() error {
	s.stall.begin(s)
	err := s.sendAll()
	s.stall.end()
	if cap(s.out) > maxOut {
		s.out = nil
	}
	if err == nil {
		return nil
	}
	if s.fail(err) {
		s.turn.want()
		timer := time.NewTimer(lastWords)
		defer timer.Stop()
		select {
		case <-s.readDone:
		case <-timer.C:
		}
		s.end(err)
	}
	return s.Err()
}

// sendAll writes what is in out, as much as it can awake: a peer that reads makes
// room within a moment.
func (s *Session) sendAll() error {
	sent := 0
	if s.room != nil && len(s.out) >= bulkWrite && s.eagerOut.try() {
		sent = s.room.PollWrite(s.out, awake)
		s.eagerOut.found(sent == len(s.out))
	}
	if sent == len(s.out) {
		return nil
	}
	_, err := s.conn.Write(s.out[sent:])
	return err
}

// flushSoon writes what is held, if nobody else is writing and the connection
// takes it at once; otherwise a goroutine does.
func (s *Session) flushSoon() {
	if s.room == nil || !s.writing.TryLock() {
		go s.flush()
		return
	}
	if s.Err() == nil {
		s.out = s.takeHeld(s.out[:0])
		if sent := s.room.PollWrite(s.out, 0); sent < len(s.out) {
			s.out = append(s.out[:0], s.out[sent:]...)
			go s.sendRest()
			return
		}
	}
	s.writing.Unlock()
}

// sendRest is for the rest of a flushSoon, which has left it the lock.
func (s *Session) sendRest() {
	defer s.writing.Unlock()
	s.send()
}

// hold keeps a frame for the next write, or for the sweeper: the frames which
// open, accept and close a stream are mostly followed by others at once.
func (s *Session) hold(h header) {
	s.heldMu.Lock()
	defer s.heldMu.Unlock()
	s.held = h.append(s.held)
	if !s.queued {
		s.queued = true
		s.sweeper.add(s)
	}
	switch {
	case len(s.held) == maxHeld:
		go s.flush()
	case len(s.held) > tooMuchHeld:
		go s.end(ErrStalled)
	}
}

func (s *Session) takeHeld(b []byte) []byte {
	s.heldMu.Lock()
	defer s.heldMu.Unlock()
	b = append(b, s.held...)
	s.held = s.held[:0]
	if cap(s.held) > 2*maxHeld {
		s.held = nil
	}
	return b
}

// sweep writes frames that waited in vain, on a goroutine of its own, for the
// write may block.
func (s *Session) sweep() {
	s.heldMu.Lock()
	defer s.heldMu.Unlock()
	s.queued = false
	if len(s.held) > 0 {
		go s.flush()
	}
}

// flush writes what is held.
func (s *Session) flush() {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.Err() == nil {
		s.flushLocked()
	}
}

// flushLast is flush for a session that is being closed.
func (s *Session) flushLast() {
	s.writing.Lock()
	defer s.writing.Unlock()
	if !isClosed(s.done) {
		s.flushLocked()
	}
}

func (s *Session) flushLocked() {
	s.out = s.takeHeld(s.out[:0])
	if len(s.out) > 0 {
		s.send()
	}
}

// stallGuard ends a session when one write takes longer than the timeout. Its
// timer is not set for each write: it looks, once in a while, how long the one
// in progress takes.
type stallGuard struct {
	mu    sync.Mutex // guards the following
	since time.Time  // when the write in progress began; zero if none is
	armed bool
}

func (g *stallGuard) begin(s *Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.since = time.Now()
	if !g.armed {
		g.armed = true
		time.AfterFunc(s.timeout, func() { g.check(s) })
	}
}

func (g *stallGuard) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.since = time.Time{}
}

// check runs on the timer's goroutine.
func (g *stallGuard) check(s *Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.armed = false
	if g.since.IsZero() || isClosed(s.done) {
		return
	}
	left := s.timeout - time.Since(g.since)
	if s.present != nil && !isClosed(s.present) {
		left = s.timeout
	}
	if left <= 0 {
		go s.end(ErrStalled)
		return
	}
	g.armed = true
	time.AfterFunc(left, func() { g.check(s) })
}
