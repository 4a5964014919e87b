package mux

import (
	"sync"
	"time"
)

const (
	// standBy is for how long nobody may read the connection before the
	// session's own reader does.
	standBy = 500 * time.Microsecond

	// single is after how many Waits in quick succession, alone each time, the
	// next one reads the connection itself: one who will soon wait again has
	// nothing from leaving that to others.
	single = 3
)

// turn is whose turn it is to read the connection: the one who reads serves all
// who wait (the pattern Leader/Followers; Schmidt and others, Pattern-Oriented
// Software Architecture 2). One who waits and finds nobody reading is the
// leader, and gets what he waits for without a change of goroutine, which would
// cost several times what the reading does. When he leaves, nobody reads until
// he waits again; if he does not soon, or others wait, the session's own reader
// takes over.
type turn struct {
	mu        sync.Mutex
	taken     bool      // somebody reads
	patient   bool      // he does so as long as nobody else wants to
	yield     bool      // he is to let another
	count     uint32    // of turns
	seen      uint32    // count when the session's own reader looked last
	asleep    bool      // the session's own reader looks no more until it is called
	wanted    bool      // it is to read as soon as nobody does
	followers int       // those who wait for what others read
	streak    int       // how many were alone in that, in quick succession
	left      time.Time // when the last one had what he waited for
	over      bool      // nothing more will arrive

	call    chan struct{} // cap 1: for the session's own reader; nil if nobody else can read
	promote chan struct{} // cap 1: for a follower, who may read himself
}

func (t *turn) init() {
	t.call, t.promote = make(chan struct{}, 1), make(chan struct{}, 1)
}

// take takes the turn if nobody has it.
func (t *turn) take(patient bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.takeLocked(patient)
}

func (t *turn) takeLocked(patient bool) bool {
	if t.taken || t.over {
		return false
	}
	t.taken, t.patient, t.yield = true, patient, false
	t.count++
	return true
}

// follow enters one who waits while others read. displace says that the one
// who reads is to be told to let him.
func (t *turn) follow() (displace bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.followers++
	if !t.taken {
		t.wantLocked()
		return false
	}
	if t.followers > 1 || t.streak > 0 && time.Since(t.left) > standBy {
		t.streak = 0
	}
	if t.streak < single || !t.patient || t.yield {
		return false
	}
	t.yield = true
	return true
}

// enlist enters one who waits for what others read, and will not read himself.
func (t *turn) enlist() {
	if t.call == nil {
		return // the session's own reader always reads
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.followers++
	t.streak = 0
	if !t.taken {
		t.wantLocked()
	}
}

// delist is for one who was enlisted.
func (t *turn) delist() {
	if t.call == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.followers--
}

// unfollow is for one who has what he waited for, or does not want it any more.
func (t *turn) unfollow() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.followers--
	t.left = time.Now()
	t.streak++
	if t.followers > 0 {
		t.streak = 0
	}
}

// leave ends a turn.
func (t *turn) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	yielded := t.yield
	t.taken, t.yield = false, false
	switch {
	case yielded && t.followers > 0:
		notify(t.promote)
	case t.followers > 0:
		t.streak = 0
		t.wantLocked()
		return
	}
	if t.asleep {
		t.asleep = false
		t.count++ // it was used until now
		notify(t.call)
	}
}

// want has the session's own reader read, unless somebody does.
func (t *turn) want() {
	if t.call == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.taken {
		t.wantLocked()
	}
}

func (t *turn) wantLocked() {
	t.wanted, t.asleep = true, false
	notify(t.call)
}

// yieldIfAlone has a patient reader leave after what he is at: what he has just
// brought will be dealt with by one who comes back to read himself.
func (t *turn) yieldIfAlone() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.yield = t.yield || t.patient && t.followers == 0
}

func (t *turn) yielding() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.yield
}

// end says that nothing more will arrive.
func (t *turn) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.call != nil {
		notify(t.call)
	}
}

// duty is what the session's own reader is to do.
type duty byte

const (
	dutyRead  duty = iota
	dutyLook       // again, after a while
	dutySleep      // until called
	dutyEnd
)

// look tells the session's own reader what to do. It reads when nobody has
// since it looked last, or somebody wants it to.
func (t *turn) look(hurry bool) duty {
	t.mu.Lock()
	defer t.mu.Unlock()
	unused := t.count == t.seen
	t.seen = t.count
	switch {
	case t.over:
		return dutyEnd
	case !t.taken && (unused || t.wanted || hurry):
		t.wanted = false
		t.takeLocked(true)
		return dutyRead
	case t.taken && unused:
		t.asleep = true
		return dutySleep
	}
	return dutyLook
}
