package ssh

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/luagw/luagw"
)

// clock bounds the stages of a login: when a stage takes too long, or the
// context ends, the connection is cut. Not all connections have deadlines.
type clock struct {
	each time.Duration
	cut  func() // closes the connection

	mu     sync.Mutex // guards the following
	stage  luagw.Stage
	timer  *time.Timer
	began  time.Time // when the timer was set last
	pauses int       // under way; they may overlap
	cause  error     // why the connection was cut
	over   bool      // nothing is to be cut any more
}

// startClock starts a clock, which ends with stop.
func startClock(ctx context.Context, each time.Duration, stage luagw.Stage, cut func()) (c *clock, stop func()) {
	c = &clock{each: each, stage: stage, cut: cut, began: time.Now()}
	c.mu.Lock() // the timer may run out before it is known here
	c.timer = time.AfterFunc(each, c.expire)
	c.mu.Unlock()
	stopContext := context.AfterFunc(ctx, func() { c.end(reason(ctx)) })
	return c, func() {
		stopContext()
		c.end(nil)
	}
}

// enter begins a stage.
func (c *clock) enter(stage luagw.Stage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stage = stage
	c.restart()
}

// backdate has the stage begin at an earlier time, at which it was begun already
// on another connection.
func (c *clock) backdate(began time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.began = began
		c.timer.Reset(time.Until(began.Add(c.each)))
	}
}

// pause stops the time, resume gives the stage a new one. A nil clock has none.
func (c *clock) pause() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pauses++
	c.timer.Stop()
}

func (c *clock) resume() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pauses--
	c.restart()
}

func (c *clock) restart() {
	if !c.over && c.pauses == 0 {
		c.began = time.Now()
		c.timer.Reset(c.each)
	}
}

// expire is the timer's. One that had run out when it was stopped or set again is
// too late.
func (c *clock) expire() {
	c.mu.Lock()
	late := c.pauses > 0 || time.Since(c.began) < c.each
	c.mu.Unlock()
	if !late {
		c.end(fmt.Errorf("%w for %v", errSilent, c.each))
	}
}

// errSilent is the cause of a cut at the end of a stage's time.
var errSilent = errors.New("no answer")

// end cuts the connection, or with nil lets it be.
func (c *clock) end(cause error) {
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return
	}
	c.over, c.cause = true, cause
	c.timer.Stop()
	c.mu.Unlock()
	if cause != nil {
		c.cut()
	}
}

// at tells the stage, and why the connection was cut; nil if it was not.
func (c *clock) at() (luagw.Stage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stage, c.cause
}

// reason is why a context ended, in words for the user.
func reason(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		return fmt.Errorf("no answer in time%w", hidden{cause})
	}
	return cause
}
