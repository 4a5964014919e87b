package mux

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/luagw/luagw/internal/busy"
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

	call    chan struct{} // cap 1: for the session's own reader
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
	notify(t.call)
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
	timer := time.NewTimer(standBy)
	defer timer.Stop()
	ended := s.done
	for {
		select {
		case <-timer.C:
		case <-s.turn.call:
		case <-ended:
			ended = nil
		}
		for {
			switch s.turn.look(ended == nil) {
			case dutyRead:
				return true
			case dutyEnd:
				return false
			case dutySleep:
				select {
				case <-s.turn.call:
				case <-ended:
					ended = nil
				}
				continue
			}
			break
		}
		timer.Reset(standBy)
	}
}

// readAll is for the reader who has got err: nothing more will arrive.
func (s *Session) readAll(err error) {
	s.fail(err)
	s.turn.end()
	close(s.readDone)
	s.end(err)
}

// Wait waits until ready is filled or closed, and takes from it. What fills it
// is a [Receiver], or somebody who calls [Session.Wake] after that. Meanwhile it
// may read the connection for the session, and call the session's Receivers. The
// error is ctx's, or the session's when that ends before.
func (s *Session) Wait(ctx context.Context, ready <-chan struct{}) error {
	return s.await(ctx, signal(ready))
}

// Wake has a Wait look at its channel which was filled by somebody who is no
// Receiver.
func (s *Session) Wake() {
	if s.resting.Load() {
		s.interrupt()
	}
}

// interrupt has the Read in progress return.
func (s *Session) interrupt() { s.readable.SetReadDeadline(time.Unix(1, 0)) }

// signal is a channel that somebody waits for.
type signal <-chan struct{}

// given takes from the channel.
func (c signal) given() bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (s *Session) await(ctx context.Context, ready signal) error {
	if ready.given() {
		return nil
	}
	if s.readable == nil {
		return s.waitFor(ctx, ready)
	}
	if s.turn.take(false) {
		return s.lead(ctx, ready)
	}
	if s.turn.follow() {
		s.interrupt()
	}
	for {
		select {
		case <-ready:
			s.turn.unfollow()
			return nil
		case <-ctx.Done():
			s.turn.unfollow()
			return ctx.Err()
		case <-s.done:
			s.turn.unfollow()
			return s.endOf(ready)
		case <-s.turn.promote:
		}
		if s.turn.take(false) {
			s.turn.unfollow()
			return s.lead(ctx, ready)
		}
	}
}

// waitFor waits while others read.
func (s *Session) waitFor(ctx context.Context, ready signal) error {
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return s.endOf(ready)
	}
}

// endOf is the session's error, unless ready is given.
func (s *Session) endOf(ready signal) error {
	if ready.given() {
		return nil
	}
	return s.Err()
}

// awaitStream waits until there may be a stream to accept. It may read the
// connection meanwhile, until somebody wants to who waits for something else.
func (s *Session) awaitStream(ctx context.Context) error {
	if s.serves && s.readable != nil && s.turn.take(true) {
		if !s.leadAccept(ctx) {
			return ctx.Err()
		}
	}
	select {
	case <-s.acceptable:
	case <-s.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// leadAccept reads until there may be a stream to accept, or a reason to leave.
// It has the turn. It tells whether it has left to somebody else, who reads now.
func (s *Session) leadAccept(ctx context.Context) (left bool) {
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, s.Wake)
		defer stop()
	}
	s.accepting = true
	for {
		s.resting.Store(true)
		must, yields := s.mustAccept(), s.turn.yielding()
		if must || yields || ctx.Err() != nil {
			s.resting.Store(false)
			s.accepting = false
			s.turn.leave()
			return !must
		}
		if err := s.readSoon(); err != nil {
			s.readAll(err)
			return false
		}
	}
}

// mustAccept says whether a stream waits to be accepted, or none will.
func (s *Session) mustAccept() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0 || s.err != nil
}

// lead reads until ready is given. It has the turn.
func (s *Session) lead(ctx context.Context, ready signal) error {
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, s.Wake)
		defer stop()
	}
	for {
		s.resting.Store(true)
		given := ready.given()
		if given || ctx.Err() != nil {
			s.resting.Store(false)
			s.turn.leave()
			if given {
				return nil
			}
			return ctx.Err()
		}
		if err := s.readSoon(); err != nil {
			s.readAll(err)
			return s.endOf(ready)
		}
	}
}

// readMore reads once, and acts on the whole frames that are there then. It is
// for the one whose turn it is.
func (s *Session) readMore() error {
	n, err := s.frames.fill(s.conn)
	s.resting.Store(false)
	return s.handleRead(n, err)
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
