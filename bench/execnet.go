package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

//go:embed execnet.py
var execnetSource string

// execnetPeer is the process that does the jobs by py.execnet. It is used by
// one goroutine.
type execnetPeer struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	version execnetAnswer
}

type execnetJob struct {
	Job string `json:"job"`
	N   int    `json:"n"`
}

type execnetAnswer struct {
	Execnet string  `json:"execnet"`
	Python  string  `json:"python"`
	Figure  float64 `json:"figure"`
	Error   string  `json:"error"`
}

// startExecnet starts the peer by the Python given, or by the first that has
// execnet: a machine's own may stand behind another on the PATH.
func startExecnet(ctx context.Context, python string) (*execnetPeer, error) {
	candidates := []string{python}
	if python == "" {
		candidates = []string{"python3", "/usr/bin/python3"}
	}
	var errs []error
	for _, python := range candidates {
		peer, err := startExecnetBy(ctx, python)
		if err == nil {
			return peer, nil
		}
		errs = append(errs, err)
	}
	return nil, errs[0]
}

func startExecnetBy(ctx context.Context, python string) (*execnetPeer, error) {
	p := &execnetPeer{cmd: exec.CommandContext(ctx, python, "-c", execnetSource)}
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if p.version, err = p.answer(ctx); err != nil {
		p.close()
		return nil, fmt.Errorf("%s: %w", python, err)
	}
	return p, nil
}

// answer reads one line.
func (p *execnetPeer) answer(ctx context.Context) (a execnetAnswer, err error) {
	defer context.AfterFunc(ctx, func() { p.cmd.Process.Kill() })()
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("wait for an answer: %w", errors.Join(err, context.Cause(ctx)))
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, err
	}
	if a.Error != "" {
		err = errors.New(a.Error)
	}
	return a, err
}

// close ends the peer with its input, and its gateways with it. p may be nil.
func (p *execnetPeer) close() {
	if p == nil {
		return
	}
	p.in.Close()
	p.cmd.Wait()
}

// execnet is a job of the peer's.
func execnet(name string) starter {
	return func(_ context.Context, b *bench) (*runner, error) {
		p := b.peer
		return &runner{
			measure: func(ctx context.Context, n int) (float64, error) { return p.do(ctx, name, n) },
			close:   func() {},
		}, nil
	}
}

func (p *execnetPeer) do(ctx context.Context, name string, n int) (float64, error) {
	if err := json.NewEncoder(p.in).Encode(execnetJob{name, n}); err != nil {
		return 0, err
	}
	a, err := p.answer(ctx)
	return a.Figure, err
}
