package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// bench holds what all jobs need. It is used by one goroutine.
type bench struct {
	cfg   *config
	dir   string // for what is built here
	agent string // path of the agent
	echo  string // path of the bare child

	// Servers of ssh; nil until they are needed.
	site     *site // one
	mastered *site // one, to which a master of the system's client stands
	fleet    *site // ten
	far      *site // one at the end of a long link

	python map[peer]*pythonPeer // those whose library is here

	closers []func() // of what jobs have started, in that order

	machine machine
}

// newBench builds what is to be measured and starts the peers in Python.
func newBench(ctx context.Context, cfg *config) (*bench, error) {
	dir, err := os.MkdirTemp("", "luagw-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{cfg: cfg, dir: dir, python: map[peer]*pythonPeer{}}
	if err := b.build(ctx); err != nil {
		b.close()
		return nil, err
	}
	for _, p := range rivals {
		started, err := startPython(ctx, dir, p, cfg.python)
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: without %s: %v\n", p, err)
			continue
		}
		b.python[p] = started
	}
	b.machine = newMachine(b.python)
	return b, nil
}

func (b *bench) build(ctx context.Context) (err error) {
	if b.agent, err = filepath.Abs(b.cfg.agent); err != nil {
		return err
	}
	if b.cfg.agent == "" {
		if b.agent, err = buildAgent(ctx, b.dir); err != nil {
			return err
		}
	}
	if _, err := os.Stat(b.agent); err != nil {
		return err
	}
	if b.echo, err = buildProgram(ctx, b.dir, echoPackage); err != nil {
		return err
	}
	return os.CopyFS(b.dir, pythonSources)
}

func (b *bench) close() {
	for _, p := range b.python {
		p.close()
	}
	for _, close := range slices.Backward(b.closers) {
		close()
	}
	os.RemoveAll(b.dir)
}

// measureAll does all jobs that are wanted, unless ctx ends before.
func (b *bench) measureAll(ctx context.Context) []*result {
	var results []*result
	for _, j := range slices.Concat(jobs(), sshJobs(), linkJobs()) {
		if !b.cfg.job.MatchString(j.name) || ctx.Err() != nil {
			continue
		}
		fmt.Fprintln(os.Stderr, "bench:", j.name)
		results = append(results, b.measure(ctx, j))
	}
	return results
}

// measure lets the peers take turns at a job. A peer that fails is out.
func (b *bench) measure(ctx context.Context, j *job) *result {
	res := newResult(j)
	turns := b.start(ctx, j, res)
	rounds := b.cfg.rounds
	if j.once {
		rounds = 1
	}
	for round := range rounds {
		for i := range turns {
			t := turns[(i+round)%len(turns)] // nobody is always behind the same one
			if res.Errors[t.peer] != "" {
				continue
			}
			figure, err := t.once(ctx)
			res.add(t.peer, figure, err)
		}
	}
	for _, t := range turns {
		t.close()
	}
	res.judge()
	return res
}

// turn is a peer whose turn comes once in each round.
type turn struct {
	peer peer
	*runner
}

// start gets the peers of a job ready and warm.
func (b *bench) start(ctx context.Context, j *job, res *result) []turn {
	var turns []turn
	for _, p := range peers {
		start := j.starter(p)
		if start == nil {
			continue
		}
		r, err := start(ctx, b)
		if err != nil {
			res.add(p, 0, err)
			continue
		}
		turns = append(turns, turn{p, r})
		if j.once {
			continue
		}
		if err := r.calibrate(ctx); err != nil {
			res.add(p, 0, err)
		}
	}
	return turns
}
