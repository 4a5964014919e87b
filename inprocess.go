package luagw

import (
	"context"
	"io"
	"sync"
)

// InProcess dials agents that run in this process, whatever the spec says: for
// tests, and for programs that want fragments without processes. They share
// this process's directory and environment, so specs with dir, env or nice are
// refused. A spec that goes through a gateway is reached by that gateway's Dial.
func InProcess(r Runner) DialFunc {
	return func(ctx context.Context, spec *Spec) (io.ReadWriteCloser, error) {
		if via := spec.Through(); via != nil {
			return via.Dial(ctx, spec)
		}
		near, far := newPipe()
		served := make(chan struct{})
		go func() { // ends when near is closed
			defer close(served)
			agent := &Agent{Runner: r, Dial: InProcess(r)}
			agent.Serve(context.Background(), far)
		}()
		return &inProcess{near, served}, nil
	}
}

// inProcess is the near end of a connection to an agent in this process.
type inProcess struct {
	*pipeEnd
	served chan struct{}
}

// Close returns when the agent has ended, which stopTimeout bounds.
func (p *inProcess) Close() error {
	p.pipeEnd.Close()
	<-p.served
	return nil
}

// pipeSize is how many bytes wait in one direction of a pipe.
const pipeSize = 64 << 10

// newPipe returns the two ends of a connection in memory, which unlike net.Pipe
// buffers what is written.
func newPipe() (a, b *pipeEnd) {
	ab, ba := newHalfPipe(), newHalfPipe()
	return &pipeEnd{r: ba, w: ab}, &pipeEnd{r: ab, w: ba}
}

type pipeEnd struct{ r, w *halfPipe }

func (e *pipeEnd) Read(p []byte) (int, error)  { return e.r.read(p) }
func (e *pipeEnd) Write(p []byte) (int, error) { return e.w.write(p) }

func (e *pipeEnd) Close() error {
	e.r.close(io.ErrClosedPipe)
	e.w.close(io.EOF)
	return nil
}

// halfPipe is one direction.
type halfPipe struct {
	mu     sync.Mutex // guards the following
	change sync.Cond
	buf    []byte
	err    error // what read returns when buf is empty; set by close
}

func newHalfPipe() *halfPipe {
	h := &halfPipe{}
	h.change.L = &h.mu
	return h
}

func (h *halfPipe) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.buf) == 0 {
		if h.err != nil {
			return 0, h.err
		}
		h.change.Wait()
	}
	n := copy(p, h.buf)
	h.buf = h.buf[n:]
	if len(h.buf) == 0 && cap(h.buf) > 1<<10 {
		h.buf = nil // an idle pipe holds no memory
	}
	h.change.Broadcast()
	return n, nil
}

func (h *halfPipe) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		for h.err == nil && len(h.buf) >= pipeSize {
			h.change.Wait()
		}
		if h.err != nil {
			return n, io.ErrClosedPipe
		}
		m := min(len(p), pipeSize-len(h.buf))
		h.buf = append(h.buf, p[:m]...)
		p, n = p[m:], n+m
		h.change.Broadcast()
		if len(p) == 0 {
			return n, nil
		}
	}
}

func (h *halfPipe) close(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		h.err = err
	}
	h.change.Broadcast()
}
