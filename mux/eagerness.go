package mux

import (
	"time"

	"github.com/luagw/luagw/internal/busy"
)

// awake is for how long one who expects something at once waits for it awake.
const awake = 50 * time.Microsecond

// soon reads what arrives while one is awake.
type soon struct{ busy.Poller }

func (r soon) Read(p []byte) (int, error) { return r.Poll(p, awake), nil }

// eagerness says whether to wait awake. Each time that was in vain, the next few
// waits do without, and twice as many the next time: it must cost those little
// whose peers take their time.
type eagerness struct {
	pause int // waits to go without
	last  int // how many that were after the last one in vain
}

const mostPause = 64

func (e *eagerness) try() bool {
	if e.pause > 0 {
		e.pause--
		return false
	}
	return true
}

func (e *eagerness) found(some bool) {
	if some {
		e.last = 0
		return
	}
	e.last = min(2*e.last+1, mostPause)
	e.pause = e.last
}

// readSoon does what readMore does, for one who expects something at once.
func (s *Session) readSoon() error {
	if s.poller == nil || !s.eager.try() {
		return s.readMore()
	}
	n, _ := s.frames.fill(soon{s.poller})
	if s.eager.found(n > 0); n == 0 {
		return s.readMore()
	}
	s.resting.Store(false)
	return s.handleRead(n, nil)
}
