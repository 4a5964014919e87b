package mux

import "io"

// read takes frames from the connection until it ends, and then ends the
// session. It is the session's one reader, and never waits for anything else:
// what it has to say itself is held, for a write may block until the peer
// reads.
func (s *Session) read() {
	err := s.readFrames()
	s.fail(err)
	close(s.readDone)
	s.end(err)
}

func (s *Session) readFrames() error {
	r := frameReader{conn: s.conn, size: readSize}
	for {
		b, err := r.need(headerSize)
		if err != nil {
			return err
		}
		h := parseHeader(b)
		r.skip(headerSize)
		s.received.Add(1)
		if h.version != 0 || h.typ > typeGoAway {
			return protocolError("frame of version %d and type %d", h.version, h.typ)
		}
		if h.typ == typeData && h.length > s.maxWindow {
			return protocolError("frame of %d bytes, where a stream may take %d", h.length, s.maxWindow)
		}
		if err := s.handle(h, &r); err != nil {
			return err
		}
	}
}

// handle acts on a frame, whose body is still to be read.
func (s *Session) handle(h header, r *frameReader) error {
	switch h.typ {
	case typePing:
		s.pinged(h)
		return nil
	case typeGoAway:
		return s.goAway(h)
	}
	st, err := s.stream(h)
	if err != nil {
		return err
	}
	var body []byte
	if h.typ == typeData {
		if body, err = r.need(int(h.length)); err != nil {
			return err
		}
		r.skip(len(body))
	}
	if st == nil {
		return nil // it is closed here, and the peer does not know yet
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
	notify(s.acceptable)
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
	conn       io.Reader
	buf        []byte
	start, end int // what was read and not taken yet
	size       int // of the next buffer
}

// need returns at least n bytes, which remain valid until the next call.
func (r *frameReader) need(n int) ([]byte, error) {
	for r.end-r.start < n {
		r.makeRoom(n)
		m, err := r.conn.Read(r.buf[r.end:])
		r.end += m
		if m > 0 {
			r.adapt(m)
			continue
		}
		if err == nil {
			err = io.ErrNoProgress
		}
		if err == io.EOF && r.end > r.start {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return r.buf[r.start : r.start+n], nil
}

func (r *frameReader) skip(n int) { r.start += n }

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
