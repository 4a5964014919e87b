package mux

import (
	"sync"
	"time"
)

const (
	// linger is how long at the most something that is held back waits for
	// more to join it.
	linger = 500 * time.Microsecond

	// restAfter is how many rounds a sweeper makes in vain before it ends.
	restAfter = 10
)

// sweeper writes what is held back and was not written in the meantime. One
// goroutine does that for a whole session, and lives as long as there is
// something to do now and then: a timer for each thing held back would wake a
// thread every time that it is set, which takes longer than the write that it
// saves.
type sweeper struct {
	mu      sync.Mutex // guards the following
	running bool
	due     []swept
}

// swept is something that holds bytes back. sweep must not block.
type swept interface{ sweep() }

// add has s swept once, after linger or a little more.
func (sw *sweeper) add(s swept) {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	sw.due = append(sw.due, s)
	if !sw.running {
		sw.running = true
		go sw.run()
	}
}

// run ends when nothing was held back for a while.
func (sw *sweeper) run() {
	var spare []swept
	for vain := 0; vain < restAfter; {
		time.Sleep(linger)
		due := sw.take(spare, vain == restAfter-1)
		vain++
		for i, s := range due {
			s.sweep()
			due[i] = nil
			vain = 0
		}
		spare = due[:0]
	}
}

// take takes what is due. If nothing is and this is the last round, the sweeper
// is not running any more.
func (sw *sweeper) take(spare []swept, last bool) []swept {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	due := sw.due
	if len(due) == 0 && last {
		sw.running = false
	}
	sw.due = spare
	return due
}
