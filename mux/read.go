package mux

import (
	"errors"
	"io"
	"os"
	"time"
)

// read is the session's own reader. It ends when nothing more will arrive.
func (s *Session) read() {
	for s.awaitDuty() {
		for {
			if err := s.readMore(); err != nil {
				s.readAll(err)
				return
			}
			if s.readable != nil && s.turn.yielding() {
				break
			}
		}
		s.turn.leave()
	}
}

// awaitDuty waits until it is the session's own reader's turn; false when
// nothing more will arrive.
func (s *Session) awaitDuty() bool {
	if s.readable == nil {
		return s.turn.take(true)
	}
	again := time.NewTimer(standBy)
	defer again.Stop()
	look, ended := again.C, s.done
	for {
		select {
		case <-look:
		case <-s.turn.call:
		case <-ended:
			ended = nil
		}
		switch s.turn.look(ended == nil) {
		case dutyRead:
			return true
		case dutyEnd:
			return false
		case dutySleep:
			look = nil
		case dutyLook:
			look = again.C
			again.Reset(standBy)
		}
	}
}

// readAll is for the reader who has got err: nothing more will arrive.
func (s *Session) readAll(err error) {
	s.fail(err)
	s.turn.end()
	close(s.readDone)
	s.end(err)
}

// readMore reads once, and acts on the whole frames that are there then. It is
// for the one whose turn it is.
func (s *Session) readMore() error {
	n, err := s.frames.fill(s.conn)
	s.resting.Store(false)
	return s.handleRead(n, err)
}

// handleRead acts on what a Read has returned.
func (s *Session) handleRead(n int, err error) error {
	if n > 0 {
		s.received.Add(1)
		return s.readFrames()
	}
	if s.readable != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		s.readable.SetReadDeadline(time.Time{})
		return nil
	}
	if err == io.EOF && s.frames.left() > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readFrames acts on the frames that are there. It never waits for anything:
// what it has to say itself is held, for a write may block until the peer reads.
func (s *Session) readFrames() error {
	for {
		h, body, ok, err := s.nextFrame()
		if err != nil || !ok {
			return err
		}
		if err := s.handle(h, body); err != nil {
			return err
		}
	}
}

// nextFrame takes a whole frame; not ok if there is none.
func (s *Session) nextFrame() (h header, body []byte, ok bool, err error) {
	b := s.frames.have(headerSize)
	if b == nil {
		return h, nil, false, nil
	}
	h = parseHeader(b)
	if h.version != 0 || h.typ > typeGoAway {
		return h, nil, false, protocolError("frame of version %d and type %d", h.version, h.typ)
	}
	size := headerSize
	if h.typ == typeData {
		if h.length > s.maxWindow {
			return h, nil, false, protocolError("frame of %d bytes, where a stream may take %d", h.length, s.maxWindow)
		}
		size += int(h.length)
	}
	if b = s.frames.have(size); b == nil {
		return h, nil, false, nil
	}
	s.frames.skip(size)
	return h, b[headerSize:], true, nil
}

// handle acts on a frame.
func (s *Session) handle(h header, body []byte) error {
	switch h.typ {
	case typePing:
		s.pinged(h)
		return nil
	case typeGoAway:
		return s.goAway(h)
	}
	st, err := s.stream(h)
	if err != nil || st == nil { // it is closed here, and the peer does not know yet
		return err
	}
	return st.arrive(h, body)
}

// stream finds a frame's stream; nil if there is none any more.
func (s *Session) stream(h header) (*Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.flags&flagSYN == 0 {
		return s.streams[h.stream], nil
	}
	if h.stream <= s.peerID || h.stream%2 == s.nextID%2 {
		return nil, protocolError("stream %d cannot be opened", h.stream)
	}
	s.peerID = h.stream
	if len(s.waiting) >= backlog {
		s.hold(header{typ: typeUpdate, flags: flagRST, stream: h.stream})
		return nil, nil
	}
	st := newStream(s, h.stream, s.firstWindowLocked())
	s.streams[h.stream] = st
	s.waiting = append(s.waiting, st)
	if !s.accepting {
		notify(s.acceptable)
		s.turn.yieldIfAlone()
	}
	return st, nil
}

// pinged answers a ping, or takes an answer.
func (s *Session) pinged(h header) {
	if h.flags&flagSYN != 0 {
		s.hold(header{typ: typePing, flags: flagACK, length: h.length})
		s.sweep()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer, ok := s.pings[h.length]; ok {
		close(answer)
		delete(s.pings, h.length)
	}
	s.probedLocked(h.length)
}

func (s *Session) goAway(h header) error {
	if h.length != 0 {
		return protocolError("the peer gives up, for reason %d", h.length)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.goneAway = true
	return nil
}

// deadlineReader is a connection whose Read can be interrupted.
type deadlineReader interface {
	SetReadDeadline(t time.Time) error
}

// interruptible returns conn if its Read can be interrupted, or nil.
func interruptible(conn io.Reader) deadlineReader {
	r, ok := conn.(deadlineReader)
	if !ok || r.SetReadDeadline(time.Time{}) != nil {
		return nil
	}
	return r
}
