package mux

import (
	"context"
	"time"
)

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
	if s.serves && s.readable != nil && s.turn.take(true) && s.leadAccept(ctx) {
		return nil
	}
	select {
	case <-s.acceptable:
	case <-s.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// leadAccept reads until there is a stream to accept, or none will come, or there
// is a reason to leave before. It has the turn.
func (s *Session) leadAccept(ctx context.Context) (found bool) {
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
			return must
		}
		if err := s.readSoon(); err != nil {
			s.readAll(err)
			return true
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
