package main

import (
	"context"
	"slices"
	"time"
)

// peer is who does the work.
type peer string

const (
	byLuagw   peer = "luagw"
	byExecnet peer = "execnet"
	byMitogen peer = "mitogen"
	byBare    peer = "bare" // a child process with nothing but pipes, or a bare Lua
	byItself  peer = ""     // in a bar: the figure itself is held against it
)

// peers are all there are, in the order of the table.
var peers = []peer{byLuagw, byExecnet, byMitogen, byBare}

// rivals are those that do luagw's work in their own way, in Python. A ratio to
// one of them says how many times faster luagw is, or smaller.
var rivals = []peer{byExecnet, byMitogen}

func (p peer) rival() bool { return slices.Contains(rivals, p) }

// job is one kind of work.
type job struct {
	name string
	unit unit
	bars []bar
	once bool // the figure does not change from one round to the next

	// Who can do it. nil where there is nobody to compare with.
	luagw, execnet, mitogen, bare starter
}

// starter is how a peer does it; nil if it does not.
func (j *job) starter(p peer) starter {
	switch p {
	case byLuagw:
		return j.luagw
	case byExecnet:
		return j.execnet
	case byMitogen:
		return j.mitogen
	}
	return j.bare
}

// starter prepares a peer for a job. What it returns is used by one goroutine,
// and closed after the last round.
type starter func(ctx context.Context, b *bench) (*runner, error)

// runner is a peer at work.
type runner struct {
	// measure does the work n times, checks the answers and returns the
	// figure, in the job's unit.
	measure func(ctx context.Context, n int) (float64, error)

	close func()
	n     int // how often fills a measurement
}

// bar is what luagw should reach: least is asked for, aim is wished for.
//
// Against a rival both say how many times faster luagw should be. Against a
// bare peer they are luagw's figure divided by the bare one: at the most for
// times, at the least for rates. A figure held against itself may be as much.
type bar struct {
	against    peer
	least, aim float64
}

// jobs are all there are, in the order of the table.
func jobs() []*job {
	return []*job{
		{
			name: "open a gateway, first item back", unit: seconds,
			bars:  []bar{{byExecnet, 8, 12}, {byBare, 2, 1.5}},
			luagw: opening, execnet: byExecnet.does("open"), mitogen: byMitogen.does("open"), bare: bareOpening,
		},
		{
			name: "round trip of a small item, median", unit: seconds,
			bars:  []bar{{byExecnet, 1.5, 4}, {byBare, 7, 3}},
			luagw: onGateway(roundTrip), execnet: byExecnet.does("round trip"), mitogen: byMitogen.does("round trip"), bare: onEcho("", bareRoundTrip),
		},
		{
			name: "small items, to the near side", unit: itemRate,
			bars:  []bar{{byExecnet, 10, 20}},
			luagw: onGateway(itemsIn), execnet: byExecnet.does("items in"), mitogen: byMitogen.does("items in"),
		},
		{
			name: "small items, to the far side", unit: itemRate,
			bars:  []bar{{byExecnet, 10, 20}},
			luagw: onGateway(itemsOut), execnet: byExecnet.does("items out"),
		},
		{
			name: "records of 20 fields, to the near side", unit: itemRate,
			bars:  []bar{{byExecnet, 8, 15}},
			luagw: onGateway(recordsIn), execnet: byExecnet.does("records in"),
		},
		{
			name: "strings of 1 MiB, to the near side", unit: byteRate,
			bars:  []bar{{byExecnet, 2.5, 5}, {byBare, 0.4, 0.8}},
			luagw: onGateway(bytesIn), execnet: byExecnet.does("bytes in"), bare: onEcho("write", bareBytesIn),
		},
		{
			name: "strings of 1 MiB, to the far side", unit: byteRate,
			bars:  []bar{{byExecnet, 2.5, 5}, {byBare, 0.4, 0.8}},
			luagw: onGateway(bytesOut), execnet: byExecnet.does("bytes out"), bare: onEcho("read", bareBytesOut),
		},
		{
			name: "remote_exec and its one answer, one after the other", unit: itemRate,
			bars:  []bar{{byExecnet, 4, 8}},
			luagw: onGateway(execs), execnet: byExecnet.does("execs"), mitogen: byMitogen.does("execs"),
		},
		{
			name: "the same, 8 at a time", unit: itemRate,
			bars:  []bar{{byExecnet, 8, 15}},
			luagw: onGateway(execsBy8), execnet: byExecnet.does("execs by 8"),
		},
		{
			name: "a Lua loop under a cancellable context", unit: seconds,
			bars:  []bar{{byBare, 1.1, 1}},
			luagw: local(loop), bare: local(bareLoop),
		},
		{
			name: "agent, stripped", unit: size, once: true,
			bars:  []bar{{byItself, 4.5 * mib, 3.7 * mib}},
			luagw: agentSize,
		},
		{
			name: "agent, stripped, after gzip", unit: size, once: true,
			bars:  []bar{{byItself, 1.9 * mib, 1.6 * mib}},
			luagw: agentGzip,
		},
		{
			name: "agent, idle memory", unit: size,
			bars:  []bar{{byItself, 10 * mib, 6 * mib}},
			luagw: agentMemory, execnet: byExecnet.does("memory"), mitogen: byMitogen.does("memory"),
		},
		{
			name: "10,000 in-process gateways, open and idle, each", unit: size, once: true,
			bars:  []bar{{byItself, 100 * kib, 40 * kib}},
			luagw: idleGateways,
		},
	}
}

const (
	// span is how long a measurement should take: long enough to be steady,
	// short enough that what disturbs one round hits all peers.
	span = 400 * time.Millisecond

	// longest bounds a measurement that hangs.
	longest = time.Minute
)

// calibrate warms a peer up and finds how often the work fills a measurement.
func (r *runner) calibrate(ctx context.Context) error {
	const first, enough, most = 8, span / 4, 50_000_000
	r.n = first
	if _, err := r.once(ctx); err != nil { // may have to start something
		return err
	}
	for ; ; r.n *= 4 {
		took, err := r.quickest(ctx, enough)
		if err != nil {
			return err
		}
		if took >= enough || r.n >= most {
			r.n = max(first, int(float64(r.n)*float64(span)/float64(took)))
			return nil
		}
	}
}

// quickest is the time of one measurement, or of a second one if the first took
// enough: on a busy machine anything may take long once.
func (r *runner) quickest(ctx context.Context, enough time.Duration) (time.Duration, error) {
	shortest := longest
	for range 2 {
		begin := time.Now()
		if _, err := r.once(ctx); err != nil {
			return 0, err
		}
		shortest = min(shortest, time.Since(begin))
		if shortest < enough {
			break
		}
	}
	return shortest, nil
}

// once takes one measurement.
func (r *runner) once(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	return r.measure(ctx, r.n)
}
