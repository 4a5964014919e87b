package main

import (
	"bufio"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// The peers' programs are called by_NAME.py: one called as its library is would
// be found in the library's place.
//
//go:embed python/*.py
var pythonSources embed.FS

// pythonPeer is the process that does the jobs by a library of Python's. It is
// used by one goroutine.
type pythonPeer struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	version string // of the library, and of its Python
}

type pythonJob struct {
	Job string `json:"job"`
	N   int    `json:"n"`
}

type pythonAnswer struct {
	Version string  `json:"version"`
	Python  string  `json:"python"`
	Figure  float64 `json:"figure"`
	Error   string  `json:"error"`
}

// startPython starts a peer, whose program lies below dir, by the Python given,
// or by the first that has its library: a machine's own may stand behind another
// on the PATH.
func startPython(ctx context.Context, dir string, p peer, python string) (*pythonPeer, error) {
	candidates := []string{python}
	if python == "" {
		candidates = []string{"python3", "/usr/bin/python3"}
	}
	var errs []error
	for _, python := range candidates {
		started, err := startProgram(ctx, python, filepath.Join(dir, "python", fmt.Sprintf("by_%s.py", p)))
		if err == nil {
			return started, nil
		}
		errs = append(errs, err)
	}
	return nil, errs[0]
}

func startProgram(ctx context.Context, python, program string) (*pythonPeer, error) {
	p := &pythonPeer{cmd: exec.CommandContext(ctx, python, program)}
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
	first, err := p.answer(ctx)
	if err != nil {
		p.close()
		return nil, fmt.Errorf("%s: %w", python, err)
	}
	p.version = first.Version + " on Python " + first.Python
	return p, nil
}

// answer reads one line.
func (p *pythonPeer) answer(ctx context.Context) (a pythonAnswer, err error) {
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

// close ends the peer with its input, and its gateways with it.
func (p *pythonPeer) close() {
	p.in.Close()
	p.cmd.Wait()
}

func (p *pythonPeer) do(ctx context.Context, name string, n int) (float64, error) {
	if err := json.NewEncoder(p.in).Encode(pythonJob{name, n}); err != nil {
		return 0, err
	}
	a, err := p.answer(ctx)
	return a.Figure, err
}

// does is a job of a peer's in Python. Nobody does it where its library is not.
func (p peer) does(job string) starter {
	return func(_ context.Context, b *bench) (*runner, error) {
		python := b.python[p]
		if python == nil {
			return nil, errors.ErrUnsupported
		}
		return &runner{
			measure: func(ctx context.Context, n int) (float64, error) { return python.do(ctx, job, n) },
			close:   func() {},
		}, nil
	}
}

// opensBySSH has a peer in Python open its gateways to the site's first host.
func (p peer) opensBySSH(ctx context.Context, b *bench, s *site) (*runner, error) {
	return p.does("ssh open -F "+s.file("ssh_config")+" "+s.hosts[0])(ctx, b)
}
