package luagw

import (
	"runtime"
	"sync"
	"time"
)

// procs lets an agent's process run on one processor while one fragment runs,
// and on all of them while several need them. What passes from one goroutine
// to another, as with several fragments, has the Go scheduler wake a second
// processor that is idle each time: that takes longer than all the rest.
type procs struct {
	all int // what the process had

	mu      sync.Mutex // guards the following
	running int
	watched bool // a goroutine watches whether several fragments need more
}

const (
	procsCheck = 10 * time.Millisecond

	// procsBusy is the part of its processor from which on a process with
	// several fragments gets more.
	procsBusy = 0.8

	// procsRest is how many checks find no more than one fragment before the
	// process goes back to one processor.
	procsRest = 50
)

// newProcs takes the process to one processor.
func newProcs() *procs { return &procs{all: runtime.GOMAXPROCS(1)} }

// enter says that a fragment begins; leave says that it has ended.
func (p *procs) enter() {
	if p == nil || p.all == 1 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running++
	if p.running > 1 && !p.watched {
		p.watched = true
		go p.watch()
	}
}

func (p *procs) leave() {
	if p == nil || p.all == 1 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
}

// watch ends when one fragment at the most has been running for a while.
func (p *procs) watch() {
	used, at := processTime(), time.Now()
	wide := false
	for rest := 0; rest < procsRest; {
		time.Sleep(procsCheck)
		several := p.several()
		if several {
			rest = 0
		} else {
			rest++
		}
		nowUsed, now := processTime(), time.Now()
		if several && !wide && float64(nowUsed-used) > procsBusy*float64(now.Sub(at)) {
			runtime.GOMAXPROCS(p.all)
			wide = true
		}
		used, at = nowUsed, now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watched = false
	if wide {
		runtime.GOMAXPROCS(1)
	}
}

func (p *procs) several() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running > 1
}
