package mux

import (
	"time"
)

const (
	// TunedWindow is what a window that was not set grows to at the most.
	TunedWindow = 8 << 20

	// longTrip is the round trip from which windows grow all the way, and what
	// grows is remembered.
	longTrip = 2 * time.Millisecond

	// quick is how fast half of a window must be used up to be held up where
	// the round trip is short: by the time that it takes to wake somebody. Such
	// windows grow to quickWindow.
	quick       = time.Millisecond
	quickWindow = 4 << 20

	// fewStreams is for how many streams the session remembers what the last
	// one's window has become: they begin with it, and do not learn it anew.
	fewStreams = 16

	// probeEvery is how often the round trip is measured while much comes.
	probeEvery = time.Second
)

// tuneLocked doubles the window if it holds up the peer: half of it was used up
// within a round trip, so the other half will be before the peer hears that it
// may go on. This is how QUIC implementations tune theirs; see "Flow control
// window auto-tuning" in Chromium's "QUIC Flow Control" document.
func (st *Stream) tuneLocked() {
	s := st.session
	if st.size >= s.maxWindow {
		return
	}
	now := time.Now()
	since := now.Sub(st.grantedAt)
	st.grantedAt = now
	switch trip := time.Duration(s.trip.Load()); {
	case trip >= longTrip && since < trip:
		st.size = min(2*st.size, s.maxWindow)
		s.learned.Store(st.size)
	case trip < longTrip && since < quick:
		st.size = max(st.size, min(2*st.size, s.maxWindow, quickWindow))
	}
	s.probe(now)
}

// firstWindowLocked is the window that a new stream begins with.
func (s *Session) firstWindowLocked() uint32 {
	if len(s.streams) >= fewStreams {
		return s.window
	}
	return max(s.window, s.learned.Load())
}

// probe measures the round trip, unless that was done a moment ago. It does not
// wait for the answer.
func (s *Session) probe(now time.Time) {
	s.mu.Lock()
	if now.Sub(s.probed) < probeEvery {
		s.mu.Unlock()
		return
	}
	s.probed = now
	s.probeID = s.pingID
	s.pingID++
	id := s.probeID
	s.mu.Unlock()
	s.hold(header{typ: typePing, flags: flagSYN, length: id})
	go s.flush()
}

// probedLocked takes the answer to a probe. Of several round trips the shortest
// is the connection's, for the others had to queue.
func (s *Session) probedLocked(id uint32) {
	if s.probed.IsZero() || id != s.probeID {
		return
	}
	trip := int64(time.Since(s.probed))
	if known := s.trip.Load(); known == 0 || trip < known {
		s.trip.Store(trip)
	}
}
