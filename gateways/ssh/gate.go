package ssh

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// maxLogins is how many logins to one address are under way at a time. sshd
// drops some of those above ten at random (MaxStartups), and each of them costs
// it a process.
const maxLogins = 8

// gate lets logins through, some at a time for each address.
type gate struct {
	mu    sync.Mutex // guards lanes
	lanes map[string]*lane
}

// lane is the way to one address.
type lane struct {
	places chan struct{} // has an item for each login under way
	users  int           // under way or waiting; guarded by the gate's mu
}

// enter waits for a place, which the caller gives back by leave.
func (g *gate) enter(ctx context.Context, address string) (leave func(), err error) {
	l := g.join(address)
	select {
	case l.places <- struct{}{}:
		return func() {
			<-l.places
			g.quit(address, l)
		}, nil
	case <-ctx.Done():
		g.quit(address, l)
		return nil, reason(ctx)
	}
}

func (g *gate) join(address string) *lane {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lanes == nil {
		g.lanes = map[string]*lane{}
	}
	l := g.lanes[address]
	if l == nil {
		l = &lane{places: make(chan struct{}, maxLogins)}
		g.lanes[address] = l
	}
	l.users++
	return l
}

func (g *gate) quit(address string, l *lane) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(g.lanes, address)
	}
}

// pause waits before another try: longer each time, and not as long as others
// who were dropped at the same moment. It says whether to try.
func pause(ctx context.Context, try int, until time.Time) bool {
	wait := min(50*time.Millisecond<<min(try, 6), 2*time.Second)
	wait = wait/2 + rand.N(wait)
	if time.Now().Add(wait).After(until) {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
