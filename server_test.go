package luagw

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// limitedServer is a server that runs so many fragments at once.
func limitedServer(running int) *server {
	s := &server{settled: make(chan struct{}), turns: make(chan struct{}, running)}
	close(s.settled)
	return s
}

// TestFragmentsGetTheirTurnInOrder has fragments wait for others, and more come
// each time when one ends: nobody is overtaken, and who gives up takes no turn.
func TestFragmentsGetTheirTurnInOrder(t *testing.T) {
	for _, running := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			s := limitedServer(running)
			var mu sync.Mutex
			var order []int
			end := make(chan struct{})
			start := func(ctx context.Context, i int) {
				go func() {
					_, leave, err := s.enter(ctx)
					if err != nil {
						return
					}
					mu.Lock()
					order = append(order, i)
					mu.Unlock()
					<-end
					leave()
				}()
				synctest.Wait() // it runs, or stands in the queue
			}
			for i := range 20 {
				start(t.Context(), i)
			}
			givenUp, cancel := context.WithCancel(t.Context())
			start(givenUp, -1)
			cancel()
			for i := range 100 {
				end <- struct{}{}
				synctest.Wait() // the next one runs
				if i < 80 {
					start(t.Context(), 20+i)
				}
			}
			if len(order) != 100 || !slices.IsSorted(order) || s.queued != 0 || len(s.turns) != 0 {
				t.Errorf("with %d at once: order %v, %d wait, %d run", running, order, s.queued, len(s.turns))
			}
		})
	}
}
