package std

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Execute runs line by the shell, as os.execute does, and returns its exit
// status: 128 and the signal's number if a signal ended it. What it writes
// goes home line by line; its input is empty. An error means that it could not
// be run, or that the fragment was cancelled, which kills it and all that it
// started.
func Execute(f *Fragment, line string) (status int, err error) {
	c := &command{argv: shellCommand(line)}
	cmd, err := c.prepare(f.Context())
	if err != nil {
		return 0, err
	}
	home := newHome(f)
	c.connect(cmd, home.stdout, home.stderr)
	j, err := c.begin(f.Context(), cmd, func() {})
	if err != nil {
		return 0, err
	}
	if err := j.wait(f.Context()); err != nil {
		return 0, err
	}
	home.flush()
	j.group.endWith(f)
	return j.result().status, context.Cause(f.Context())
}

// home takes the output of one child home.
type home struct{ stdout, stderr *lineWriter }

func newHome(f *Fragment) *home {
	return &home{stdout: &lineWriter{w: f.Output()}, stderr: &lineWriter{w: f.Output()}}
}

// flush sends lines without an end. Nothing may be writing any more. What
// cannot be sent home is lost, as what print could not send.
func (h *home) flush() {
	_ = h.stdout.flush()
	_ = h.stderr.flush()
}

// outputPipe reads what a child writes. It ends when all that can write to it
// have ended or, lest a process left behind hold up the reader for ever, when
// the child has ended and nothing came for a while.
type outputPipe struct {
	file   *os.File
	exited chan struct{} // closed by childExited
}

func newOutputPipe(file *os.File) *outputPipe {
	return &outputPipe{file: file, exited: make(chan struct{})}
}

func (p *outputPipe) Read(b []byte) (int, error) {
	select {
	case <-p.exited:
		p.hurry()
	default: // childExited will wake this read
	}
	n, err := p.file.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF
	}
	return n, err
}

// Close closes the reading end. A child that writes on gets a broken pipe.
func (p *outputPipe) Close() error { return p.file.Close() }

// childExited must be called once, when the child has ended.
func (p *outputPipe) childExited() {
	close(p.exited)
	p.hurry()
}

// hurry bounds the read in progress. A file that knows no deadlines blocks.
func (p *outputPipe) hurry() { _ = p.file.SetReadDeadline(time.Now().Add(lingering)) }

// Pipe is one end of a shell command started by [Popen], the other being the
// command's output or input. Read, Write and Close may each be called on one
// goroutine at a time.
type Pipe struct {
	f      *Fragment
	job    *job
	home   *home
	file   *os.File
	output *outputPipe // reads file; nil if the pipe is written to

	close sync.Once
	err   error // of Close
}

var _ io.ReadWriteCloser = (*Pipe)(nil)

// Popen starts line by the shell, as io.popen does. With mode "r" its standard
// output is read from the pipe, with mode "w" its standard input is written to
// it. The streams that are not piped are empty or go home line by line. The
// command dies with the fragment, and all that it started.
func Popen(f *Fragment, line, mode string) (*Pipe, error) {
	if mode != "r" && mode != "w" {
		return nil, fmt.Errorf("mode %q: must be \"r\" or \"w\"", mode)
	}
	c := &command{argv: shellCommand(line)}
	cmd, err := c.prepare(f.Context())
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &Pipe{f: f, home: newHome(f)}
	c.connect(cmd, p.home.stdout, p.home.stderr)
	theirs := p.plug(cmd, mode, r, w)
	p.job, err = c.begin(f.Context(), cmd, p.childExited)
	_ = theirs.Close()
	if err != nil {
		_ = p.file.Close()
		return nil, err
	}
	f.AtEnd(p.abandon)
	return p, nil
}

// plug gives the child its end of the pipe, and returns it.
func (p *Pipe) plug(cmd *exec.Cmd, mode string, r, w *os.File) *os.File {
	if mode == "w" {
		p.file, cmd.Stdin = w, r
		return r
	}
	p.file, p.output, cmd.Stdout = r, newOutputPipe(r), w
	return w
}

// Read reads the command's output. It fails if the pipe was opened to write.
func (p *Pipe) Read(b []byte) (int, error) {
	if p.output == nil {
		return 0, errors.New("pipe is open for writing")
	}
	n, err := p.output.Read(b)
	if cause := context.Cause(p.f.Context()); n == 0 && cause != nil {
		return 0, cause
	}
	return n, err
}

// Write writes to the command's input, and blocks while the command does not
// read it. It fails if the pipe was opened to read.
func (p *Pipe) Write(b []byte) (int, error) {
	if p.output != nil {
		return 0, errors.New("pipe is open for reading")
	}
	n, err := p.file.Write(b)
	if cause := context.Cause(p.f.Context()); err != nil && cause != nil {
		return n, cause
	}
	return n, err
}

// Close closes this end and waits for the command to end. The first call's
// error is what the later ones return too. An exit status other than 0 is no
// error: ask Status.
func (p *Pipe) Close() error {
	p.close.Do(func() {
		_ = p.file.Close()
		p.err = p.job.wait(p.f.Context())
		if p.err != nil {
			return
		}
		p.home.flush()
		p.job.group.endWith(p.f)
		p.err = context.Cause(p.f.Context())
	})
	return p.err
}

// Status returns the command's exit status, 128 and the signal's number if a
// signal ended it. It means something after Close only.
func (p *Pipe) Status() int {
	select {
	case <-p.job.exited:
		return p.job.result().status
	default:
		return -1
	}
}

// childExited frees who still reads or writes.
func (p *Pipe) childExited() {
	if p.output != nil {
		p.output.childExited()
		return
	}
	if p.f.Context().Err() != nil {
		_ = p.file.SetWriteDeadline(time.Now())
	}
}

// abandon ends a command that the fragment did not close. One that was written
// to has a moment to make use of what it got.
func (p *Pipe) abandon() {
	p.close.Do(func() {
		_ = p.file.Close()
		select {
		case <-p.job.exited:
			p.home.flush()
		case <-time.After(killGrace):
		}
	})
	if p.job.group.alive() {
		p.job.group.terminate()
	}
}
