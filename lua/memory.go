package lua

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
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

	mu      sync.Mutex // guards the following
	running map[int]context.CancelCauseFunc
	next    int
	stop    chan struct{} // ends the measuring goroutine; nil while nothing runs
}

// watch has cancel called when there is too little memory, until the function
// that it returns is called. One goroutine measures while any fragment runs.
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
	if g.stop == nil {
		g.stop = make(chan struct{})
		go g.measure(g.stop)
	}
	return func() { g.unwatch(id) }
}

func (g *memoryGuard) unwatch(id int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.running, id)
	if len(g.running) == 0 && g.stop != nil {
		close(g.stop)
		g.stop = nil
	}
}

func (g *memoryGuard) measure(stop <-chan struct{}) {
	tick := time.NewTicker(memoryCheck)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			g.check()
		case <-stop:
			return
		}
	}
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
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
