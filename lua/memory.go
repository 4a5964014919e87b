package lua

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// memoryCheck is how often memory is measured while fragments run.
const memoryCheck = 20 * time.Millisecond

// memoryGuard cancels fragments when the process uses more memory than it may.
// Lua states do not count what they allocate, so the heap of the process
// stands for that of its fragments, and all that run are cancelled.
type memoryGuard struct {
	limit int64 // bytes of heap; no limit if zero

	mu        sync.Mutex // guards the following
	running   map[int]context.CancelCauseFunc
	next      int
	measuring bool
}

// watch has cancel called when there is too little memory, until the function
// that it returns is called. One goroutine measures while any fragment runs, and
// a moment longer: one for each short fragment would take longer than those do.
func (g *memoryGuard) watch(cancel context.CancelCauseFunc) (unwatch func()) {
	if g.limit == 0 {
		return func() {}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running == nil {
		g.running = map[int]context.CancelCauseFunc{}
	}
	id := g.next
	g.next++
	g.running[id] = cancel
	if !g.measuring {
		g.measuring = true
		go g.measure()
	}
	return func() { g.unwatch(id) }
}

func (g *memoryGuard) unwatch(id int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.running, id)
}

// measure ends when nothing has run for two checks in turn.
func (g *memoryGuard) measure() {
	tick := time.NewTicker(memoryCheck)
	defer tick.Stop()
	for idle := false; ; {
		<-tick.C
		if g.atWork() {
			idle = false
			g.check()
			continue
		}
		if idle && g.rest() {
			return
		}
		idle = true
	}
}

func (g *memoryGuard) atWork() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.running) > 0
}

// rest ends the measuring, unless something runs.
func (g *memoryGuard) rest() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.measuring = len(g.running) > 0
	return !g.measuring
}

// check collects garbage before it decides.
func (g *memoryGuard) check() {
	if heap() <= g.limit {
		return
	}
	runtime.GC()
	used := heap()
	if used <= g.limit {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, cancel := range g.running {
		cancel(fmt.Errorf("stopped: fragments use %d MiB of memory, more than the limit of %d", used>>20, g.limit>>20))
	}
}

// heap is the number of bytes in objects, garbage included.
func heap() int64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
