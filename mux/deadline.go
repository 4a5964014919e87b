package mux

import (
	"sync"
	"time"
)

// deadline is a moment that can be set while others wait for it. The zero value
// is none.
type deadline struct {
	mu     sync.Mutex // guards the following
	timer  *time.Timer
	passed chan struct{} // closed when the moment has come; nil until needed
}

// wait returns the channel that is closed when the moment has come.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.passed == nil {
		d.passed = make(chan struct{})
	}
	return d.passed
}

// set moves the deadline; the zero time is none.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.passed == nil || isClosed(d.passed) {
		d.passed = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	passed := d.passed
	if left := time.Until(t); left > 0 {
		d.timer = time.AfterFunc(left, func() { d.pass(passed) })
		return
	}
	close(passed)
}

// pass closes the channel of a moment that has come, unless set was quicker.
func (d *deadline) pass(passed chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.passed == passed && !isClosed(passed) && d.timer != nil {
		close(passed)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
