package luagw_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
)

// heapNow is the memory of this process's live objects.
func heapNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// resident is what a process has in memory, in bytes; 0 where the system does
// not tell.
func resident(pid int) int {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	var total, pages int
	fmt.Sscan(string(data), &total, &pages)
	return pages * os.Getpagesize()
}

// A fragment that sends 1 GiB to somebody who does not receive is parked, and
// holds up nobody else. execnet has 500 MiB in the receiver's memory after a
// third of a second.
func TestFloodIsParked(t *testing.T) {
	overTransports(t, func(t *testing.T, tr transport) {
		b := newBed(t, tr, "")
		pid := b.gw.Info().PID
		heap, size := heapNow(), resident(pid)
		flood := b.exec("flood.lua", 16<<10)
		ping := b.exec("echo.lua")
		for i := range 200 {
			b.send(ping, i)
			b.receive(ping, int64(i))
		}
		if grown := int64(heapNow()) - int64(heap); grown > 16<<20 {
			t.Errorf("the near side's heap has grown by %d MiB", grown>>20)
		}
		if grown := resident(pid) - size; tr.process && grown > 64<<20 {
			t.Errorf("the agent has grown by %d MiB", grown>>20)
		}
		if _, err := flood.Receive(b.ctx); err != nil {
			t.Fatal(err)
		}
	})
}

// Long strings into the same bytes need no new memory for each, which would have
// a program with a small heap collect garbage after every few.
func TestLongStringsNeedNoNewMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("with the race detector memory that waits to be used again is thrown away at random")
	}
	b := newBed(t, transport{"popen", "popen", gateways.Dial, true}, "")
	c, err := b.gw.RemoteExec(b.ctx, `local s = ("x"):rep(2^19) while true do channel:send(s) end`)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var s []byte
	receive := func(n int) {
		for range n {
			if err := c.ReceiveInto(b.ctx, &s); err != nil {
				t.Fatal(err)
			}
		}
	}
	receive(50)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const items = 500
	receive(items)
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / items; each > 64<<10 {
		t.Errorf("%d KiB were allocated for each of 512 KiB", each>>10)
	}
}

// The same the other way round.
func TestFloodToAFragmentIsParked(t *testing.T) {
	overTransports(t, func(t *testing.T, tr transport) {
		b := newBed(t, tr, "")
		pid := b.gw.Info().PID
		heap, size := heapNow(), resident(pid)
		c := b.exec("sleep_forever.lua")
		b.receive(c, "sleeping")
		piece := strings.Repeat("x", 64<<10)
		sent := 0
		for ctx := soon(t); c.Send(ctx, piece) == nil; {
			sent += len(piece)
		}
		if sent > 16<<20 {
			t.Errorf("%d MiB were taken", sent>>20)
		}
		ping := b.exec("echo.lua")
		b.send(ping, "ping")
		b.receive(ping, "ping")
		if grown := int64(heapNow()) - int64(heap); grown > 32<<20 {
			t.Errorf("the near side's heap has grown by %d MiB", grown>>20)
		}
		if grown := resident(pid) - size; tr.process && grown > 64<<20 {
			t.Errorf("the agent has grown by %d MiB", grown>>20)
		}
	})
}

func TestAThousandChannelsAtOnce(t *testing.T) {
	overTransports(t, func(t *testing.T, tr transport) {
		b := newBed(t, tr, "").with(t)
		n := 1000
		if testing.Short() || raceEnabled {
			n = 200
		}
		channels := make([]*luagw.Channel, n)
		for i := range channels {
			channels[i] = b.exec("echo.lua")
		}
		var wg sync.WaitGroup
		for i, c := range channels {
			wg.Go(func() {
				for range 3 {
					if err := c.Send(b.ctx, i); err != nil {
						t.Error(err)
						return
					}
					if got, err := c.Receive(b.ctx); err != nil || got != int64(i) {
						t.Errorf("channel %d: Receive = %v, %v", i, got, err)
						return
					}
				}
				c.CloseWrite()
			})
		}
		wg.Wait()
	})
}

// Many fragments, one after the other and some at a time, leave nothing: no
// stream, channel, goroutine or memory on either side.
func TestManyFragments(t *testing.T) {
	overTransports(t, func(t *testing.T, tr transport) {
		b := newBed(t, tr, "")
		n := 20_000
		if testing.Short() || raceEnabled {
			n = 2_000
		}
		b.runMany(n / 10)
		before, err := b.gw.Status(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		heap, goroutines := heapNow(), routines()
		b.runMany(n)
		b.awaitIdle()
		await(t, "the streams to end", 5*time.Second, func() bool { return luagw.OpenStreams(b.gw) <= 1 })
		await(t, "the goroutines to end", 5*time.Second, func() bool { return routines() <= goroutines+2 })
		if grown := int64(heapNow()) - int64(heap); grown > 4<<20 {
			t.Errorf("the near side's heap has grown by %d KiB", grown>>10)
		}
		after, err := b.gw.Status(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if after.Routines > before.Routines+2 || after.Memory > before.Memory+16<<20 {
			t.Errorf("the agent has grown from %+v to %+v", before, after)
		}
	})
}

// runMany runs n fragments which print, receive and return, sixteen at a time.
func (b *bed) runMany(n int) {
	b.Helper()
	work := make(chan int)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range work {
				results, err := b.gw.Call(b.ctx, "if ... % 100 == 0 then print(...) end return ...", i)
				if err != nil || results[0] != int64(i) {
					b.Errorf("Call = %v, %v; want %d", results, err, i)
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	wg.Wait()
}
