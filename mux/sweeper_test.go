package mux

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bubble runs a test on artificial time, until sweepers rest.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * restAfter * linger)
		test(t)
	})
}

// dust is something to be swept, which says how often it was.
type dust struct {
	mu    sync.Mutex
	count int
}

func (d *dust) sweep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count++
}

func (d *dust) swept() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

func (sw *sweeper) isRunning() bool {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	return sw.running
}

func TestSweeperSweepsEachOnceAndRests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var sw sweeper
		for round := range 3 {
			things := make([]dust, 50)
			for i := range things {
				sw.add(&things[i])
			}
			time.Sleep(linger)
			synctest.Wait()
			for i := range things {
				if got := things[i].swept(); got != 1 {
					t.Errorf("round %d, thing %d: swept %d times, want once", round, i, got)
				}
			}
			if !sw.isRunning() {
				t.Errorf("round %d: rests at once", round)
			}
			time.Sleep((restAfter + 1) * linger)
			synctest.Wait()
			if sw.isRunning() {
				t.Errorf("round %d: does not rest", round)
			}
		}
	})
}

// Something may be added at the very moment when the sweeper goes to rest.
func TestSweeperForgetsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var sw sweeper
		var things [1000]dust
		var group sync.WaitGroup
		for i := range things {
			group.Go(func() {
				time.Sleep(time.Duration(i%40) * linger / 2)
				sw.add(&things[i])
			})
		}
		group.Wait()
		time.Sleep(2 * linger)
		synctest.Wait()
		for i := range things {
			if got := things[i].swept(); got != 1 {
				t.Errorf("thing %d: swept %d times, want once", i, got)
			}
		}
	})
}
