package mux

import "io"

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

// frameReader reads a connection into a buffer that grows while much comes.
type frameReader struct {
	buf        []byte
	start, end int // what was read and not taken yet
	size       int // of the next buffer
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

// adapt lets the buffer follow what comes.
func (r *frameReader) adapt(read int) {
	switch {
	case r.end == len(r.buf) && r.size < maxReadSize:
		r.size *= 2
	case read < r.size/8 && r.size > readSize:
		r.size /= 2
	}
}
