package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// onGateway is a luagw job on one gateway over popen, which is kept for all
// rounds.
func onGateway(work func(ctx context.Context, gw *luagw.Gateway, n int) (float64, error)) starter {
	return func(ctx context.Context, b *bench) (*runner, error) {
		group := &luagw.Group{Dial: gateways.Dial}
		gw, err := group.OpenSpec(ctx, b.spec())
		if err != nil {
			return nil, err
		}
		return &runner{
			measure: func(ctx context.Context, n int) (float64, error) { return work(ctx, gw, n) },
			close:   func() { group.Close() },
		}, nil
	}
}

// spec is popen, with the agent that is measured.
func (b *bench) spec() *luagw.Spec { return &luagw.Spec{Kind: "popen", Agent: b.agent} }

// check tells of a wrong answer.
func check[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}

// sumTo is 1 + 2 + ... + n.
func sumTo(n int) int64 { return int64(n) * int64(n+1) / 2 }

// median of times, in seconds. It sorts them.
func median(times []time.Duration) float64 {
	slices.Sort(times)
	return times[len(times)/2].Seconds()
}

// rate is how many n there were in a second.
func rate(n int, start time.Time) float64 { return float64(n) / time.Since(start).Seconds() }

// opening is the time from nothing to the first item of a fresh gateway.
func opening(ctx context.Context, b *bench) (*runner, error) {
	group := &luagw.Group{Dial: gateways.Dial}
	spec := b.spec()
	measure := func(ctx context.Context, n int) (float64, error) {
		times := make([]time.Duration, n)
		for i := range times {
			start := time.Now()
			gw, err := group.OpenSpec(ctx, spec)
			if err != nil {
				return 0, err
			}
			err = runOne(ctx, gw)
			times[i] = time.Since(start)
			gw.Close()
			if err != nil {
				return 0, err
			}
		}
		return median(times), nil
	}
	return &runner{measure: measure, close: func() { group.Close() }}, nil
}

// runOne runs a fragment that answers with one item.
func runOne(ctx context.Context, gw *luagw.Gateway) error {
	ch, err := gw.RemoteExec(ctx, "channel:send(1)")
	if err != nil {
		return err
	}
	item, err := ch.Receive(ctx)
	if err != nil {
		return err
	}
	return check[any]("the answer", item, int64(1))
}

func execs(ctx context.Context, gw *luagw.Gateway, n int) (float64, error) {
	start := time.Now()
	for range n {
		if err := runOne(ctx, gw); err != nil {
			return 0, err
		}
	}
	return rate(n, start), nil
}

// execsBy8 has eight goroutines share the gateway; n is the number of all
// fragments.
func execsBy8(ctx context.Context, gw *luagw.Gateway, n int) (float64, error) {
	const workers = 8
	n = n / workers * workers
	var wg sync.WaitGroup
	var errs [workers]error
	start := time.Now()
	for i := range workers {
		wg.Go(func() { _, errs[i] = execs(ctx, gw, n/workers) })
	}
	wg.Wait()
	r := rate(n, start)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return r, nil
}

func roundTrip(ctx context.Context, gw *luagw.Gateway, n int) (float64, error) {
	ch, err := gw.RemoteExec(ctx, "for x in channel do channel:send(x) end")
	if err != nil {
		return 0, err
	}
	defer ch.Close()
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		if err := ch.Send(ctx, i); err != nil {
			return 0, err
		}
		item, err := ch.Receive(ctx)
		times[i] = time.Since(start)
		if err != nil {
			return 0, err
		}
		if err := check[any]("what came back", item, int64(i)); err != nil {
			return 0, err
		}
	}
	return median(times), nil
}

func itemsIn(ctx context.Context, gw *luagw.Gateway, n int) (float64, error) {
	start := time.Now()
	ch, err := gw.RemoteExec(ctx, "for i = 1, ... do channel:send(i) end", n)
	if err != nil {
		return 0, err
	}
	defer ch.Close()
	var total int64
	for range n {
		item, err := ch.Receive(ctx)
		if err != nil {
			return 0, err
		}
		i, _ := item.(int64)
		total += i
	}
	r := rate(n, start)
	return r, check("the sum", total, sumTo(n))
}

func itemsOut(ctx context.Context, gw *luagw.Gateway, n int) (float64, error) {
	start := time.Now()
	ch, err := gw.RemoteExec(ctx, "local total = 0 for x in channel do total = total + x end return total")
	if err != nil {
		return 0, err
	}
	defer ch.Close()
	for i := 1; i <= n; i++ {
		if err := ch.Send(ctx, i); err != nil {
			return 0, err
		}
	}
	return rateOfResult(ctx, ch, n, start, sumTo(n))
}

// rateOfResult ends a job whose fragment returns a total.
func rateOfResult(ctx context.Context, ch *luagw.Channel, n int, start time.Time, total int64) (float64, error) {
	if err := ch.CloseWrite(); err != nil {
		return 0, err
	}
	results, err := ch.Results(ctx)
	r := rate(n, start)
	if err != nil {
		return 0, err
	}
	if err := check("results", len(results), 1); err != nil {
		return 0, err
	}
	return r, check[any]("the total", results[0], total)
}

// records sends records of ten strings and ten numbers; one number is the
// record's place.
const records = `
local record = {}
for i = 1, 10 do
	record["string" .. i] = "value of the field " .. i
	record["number" .. i] = i * 1.5
end
for i = 1, ... do
	record.number1 = i
	channel:send(record)
end`

func recordsIn(ctx context.Context, gw *luagw.Gateway, n int) (float64, error) {
	start := time.Now()
	ch, err := gw.RemoteExec(ctx, records, n)
	if err != nil {
		return 0, err
	}
	defer ch.Close()
	var total int64
	fields := 0
	var record map[string]any
	for range n {
		item, err := ch.Receive(ctx)
		if err != nil {
			return 0, err
		}
		record, _ = item.(map[string]any)
		place, _ := record["number1"].(int64)
		total += place
		fields += len(record)
	}
	r := rate(n, start)
	if err := check("the sum of the places", total, sumTo(n)); err != nil {
		return 0, err
	}
	if err := check("fields", fields, 20*n); err != nil {
		return 0, err
	}
	if err := check[any]("a string", record["string7"], "value of the field 7"); err != nil {
		return 0, err
	}
	return r, check[any]("a number", record["number7"], 10.5)
}

func bytesIn(ctx context.Context, gw *luagw.Gateway, n int) (float64, error) {
	start := time.Now()
	ch, err := gw.RemoteExec(ctx, `local s = ("x"):rep(1048576) for i = 1, ... do channel:send(s) end`, n)
	if err != nil {
		return 0, err
	}
	defer ch.Close()
	total := 0
	var s []byte
	for range n {
		if err := ch.ReceiveInto(ctx, &s); err != nil {
			return 0, err
		}
		total += len(s)
	}
	r := rate(total, start)
	return r, check("bytes", total, n*mib)
}

func bytesOut(ctx context.Context, gw *luagw.Gateway, n int) (float64, error) {
	s := strings.Repeat("x", mib)
	start := time.Now()
	ch, err := gw.RemoteExec(ctx, "local total = 0 for s in channel do total = total + #s end return total")
	if err != nil {
		return 0, err
	}
	defer ch.Close()
	for range n {
		if err := ch.Send(ctx, s); err != nil {
			return 0, err
		}
	}
	return rateOfResult(ctx, ch, n*mib, start, int64(n*mib))
}
