package luagw

import (
	"context"
	"sync"
	"time"
)

// printCount counts the lines that came home for each fragment, so that the end
// of a fragment is not seen before the last line it printed. Lines travel in
// the control stream and not in the channel, where unread items would hold
// them up.
type printCount struct {
	mu     sync.Mutex // guards the following
	lines  map[uint32]uint64
	change chan struct{} // closed when lines changes; nil if nobody waits
}

func (p *printCount) add(id uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines == nil {
		p.lines = map[uint32]uint64{}
	}
	p.lines[id]++
	if p.change != nil {
		close(p.change)
		p.change = nil
	}
}

// take forgets id and returns nil once n lines have come; otherwise what to
// wait for.
func (p *printCount) take(id uint32, n uint64) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines[id] >= n {
		delete(p.lines, id)
		return nil
	}
	if p.change == nil {
		p.change = make(chan struct{})
	}
	return p.change
}

// printsMissing returns nil if the n lines that a fragment printed have been
// shown; otherwise what is closed when another one was.
func (c *connection) printsMissing(id uint32, n uint64) <-chan struct{} {
	if n == 0 || !c.near {
		return nil
	}
	return c.prints.take(id, n)
}

// awaitPrints waits until the n lines that a fragment printed have been shown.
func (c *connection) awaitPrints(id uint32, n uint64) {
	deadline := time.NewTimer(printTimeout)
	defer deadline.Stop()
	for {
		change := c.printsMissing(id, n)
		if change == nil {
			return
		}
		select {
		case <-change:
		case <-c.ctx.Done():
			return
		case <-deadline.C:
			return
		}
	}
}

// Print takes one line home, to the near side's Group.Print. It is for a
// [Runner], on the far side, and waits while the near side does not take what
// was printed before.
func (c *Channel) Print(ctx context.Context, line string) error {
	if err := c.conn.sendControl(ctx, kindPrint, c.stream.ID(), line); err != nil {
		return err
	}
	c.printed.Add(1)
	return nil
}
