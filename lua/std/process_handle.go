package std

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// handle is a command that runs beside its fragment: what process.start
// returns. The fragment's goroutine alone calls it.
type handle struct {
	fragment *Fragment
	command  *command
	job      *job
	stop     context.CancelFunc // ends the watch on the time limit
	queue    *lineQueue         // of the command's output
	pipes    []*outputPipe      // what the queue is filled from
	stdin    *os.File           // nil if it is no pipe
}

// start starts c beside the fragment. With piped its input is a pipe to write to.
func (c *command) start(f *Fragment, piped bool) (*handle, error) {
	ctx := f.Context()
	if c.detach {
		ctx = context.WithoutCancel(ctx)
	}
	cmd, err := c.prepare(f.Context())
	if err != nil {
		return nil, err
	}
	h := &handle{fragment: f, command: c, queue: newLineQueue(c.outputLimit())}
	theirs, err := h.plug(cmd, piped)
	defer closeAll(theirs)
	if err != nil {
		h.closePipes()
		return nil, err
	}
	ctx, h.stop = c.bounded(ctx)
	h.job, err = c.begin(ctx, cmd, h.childExited)
	if err != nil {
		h.stop()
		h.closePipes()
		return nil, err
	}
	h.pump()
	if !c.detach {
		f.AtEnd(h.abandon)
	}
	return h, nil
}

// plug gives the child its streams, and returns the files that are its own
// from then on. A detached child has none: it would die of a broken pipe.
func (h *handle) plug(cmd *exec.Cmd, piped bool) (theirs []*os.File, err error) {
	if h.command.stdin != "" {
		cmd.Stdin = strings.NewReader(h.command.stdin)
	}
	if piped {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		cmd.Stdin, h.stdin = r, w
		theirs = append(theirs, r)
	}
	if h.command.detach {
		return theirs, nil
	}
	out, err := h.outputPipe()
	if err != nil {
		return theirs, err
	}
	theirs = append(theirs, out)
	cmd.Stdout, cmd.Stderr = out, out
	if h.command.merge {
		return theirs, nil
	}
	errOut, err := h.outputPipe()
	if err != nil {
		return theirs, err
	}
	cmd.Stderr = errOut
	return append(theirs, errOut), nil
}

func (h *handle) outputPipe() (theirs *os.File, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	h.pipes = append(h.pipes, newOutputPipe(r))
	return w, nil
}

// pump starts to read the output.
func (h *handle) pump() {
	for i, stream := range []string{"stdout", "stderr"}[:len(h.pipes)] {
		h.queue.pump(h.pipes[i], stream)
	}
}

// childExited runs once the child has ended, on another goroutine than the
// fragment's.
func (h *handle) childExited() {
	for _, p := range h.pipes {
		p.childExited()
	}
	h.stop()
}

// abandon ends what the fragment left running.
func (h *handle) abandon() {
	h.queue.close()
	h.closePipes()
	if h.job.group.alive() {
		h.job.group.terminate()
	}
}

func (h *handle) closePipes() {
	for _, p := range h.pipes {
		_ = p.Close()
	}
	if h.stdin != nil {
		_ = h.stdin.Close()
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

var (
	errNoMore  = errors.New("closed")
	errTimeout = errors.New("timeout")
)

// readLine returns the next line of either stream, errNoMore after the last
// one, errTimeout after the time given; a time of 0 sets no limit.
func (h *handle) readLine(timeout time.Duration) (outputLine, error) {
	expired, stop := expiry(timeout)
	defer stop()
	for {
		line, ok, changed := h.queue.take()
		if ok {
			return line, nil
		}
		if changed == nil {
			return line, errNoMore
		}
		select {
		case <-changed:
		case <-expired:
			return line, errTimeout
		case <-h.fragment.Context().Done():
			return line, context.Cause(h.fragment.Context())
		}
	}
}

// expiry returns a channel that becomes readable after the time given, never
// if that is 0, and what frees it.
func expiry(timeout time.Duration) (<-chan time.Time, func()) {
	if timeout == 0 {
		return nil, func() {}
	}
	timer := time.NewTimer(timeout)
	return timer.C, func() { timer.Stop() }
}

// wait waits for the command to end, errTimeout after the time given. The
// output is kept meanwhile, to be read afterwards.
func (h *handle) wait(timeout time.Duration) (*result, error) {
	expired, stop := expiry(timeout)
	defer stop()
	full := make(chan struct{})
	h.queue.hold(sync.OnceFunc(func() { close(full) }))
	defer h.queue.hold(nil)
	select {
	case <-h.job.exited:
		return h.job.result(), nil
	case <-expired:
		return nil, errTimeout
	case <-full:
		return nil, h.unread()
	case <-h.fragment.Context().Done():
		return nil, context.Cause(h.fragment.Context())
	}
}

func (h *handle) unread() error {
	return fmt.Errorf("output not read exceeds %d bytes (max_output)", h.queue.max)
}

// write writes to the command's input. While it blocks the output is kept, for
// most commands stop to read when nobody reads what they write.
func (h *handle) write(data string) error {
	full := false
	_ = h.stdin.SetWriteDeadline(time.Time{})
	giveUp := func() { _ = h.stdin.SetWriteDeadline(time.Now()) }
	h.queue.hold(sync.OnceFunc(func() { full = true; giveUp() }))
	stop := context.AfterFunc(h.fragment.Context(), giveUp)
	_, err := io.WriteString(h.stdin, data)
	stop()
	h.queue.hold(nil)
	switch {
	case err == nil:
		return nil
	case full:
		return h.unread()
	case errors.Is(err, syscall.EPIPE):
		return errors.New("the process does not read its input any more")
	}
	return err
}

// kill sends a signal to the command and to what it started.
func (h *handle) kill(sig syscall.Signal) error {
	err := h.job.group.signal(sig)
	if errors.Is(err, os.ErrProcessDone) {
		return errors.New("process has ended")
	}
	return err
}
