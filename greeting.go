package luagw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/luagw/luagw/internal/busy"
)

// Bootstrapper is what a [DialFunc]'s connection implements when the agent at
// its end may still have to be brought there. What is written before is the
// connection's to keep for the agent.
type Bootstrapper interface {
	// Progress returns a number that changes as long as the agent is on its
	// way. The time that a gateway has for its opening begins anew with each
	// change. It is called once in that time, and concurrently.
	Progress() int64
}

// greeting is a connection on which the agent's hello is still to come: Read
// reads past it, and what is written goes ahead of it.
type greeting struct {
	io.ReadWriteCloser
	ctx    context.Context // of the opening
	cancel context.CancelCauseFunc
	poller busy.Poller      // the connection, if it is one
	writer busy.WritePoller // the connection, if it is one
	seen   []byte           // what was read of the hello, and before it; the reader's
	rest   []byte           // what was read with the hello; the reader's
	said   chan struct{}    // closed when the hello has come

	mu   sync.Mutex // guards the following
	info Info
	err  error // why no hello came
}

func newGreeting(ctx context.Context, conn io.ReadWriteCloser) *greeting {
	h := &greeting{ReadWriteCloser: conn, said: make(chan struct{}), poller: busy.Of(conn)}
	h.writer, _ = conn.(busy.WritePoller)
	h.ctx, h.cancel = context.WithCancelCause(ctx)
	return h
}

// Read is called by one goroutine at a time, the session's reader. It returns
// with the hello, as if interrupted, for that may be all that the reader waits for.
func (h *greeting) Read(p []byte) (int, error) {
	if !isClosed(h.said) {
		if err := h.listen(); err != nil {
			return 0, err
		}
		if len(h.rest) == 0 && h.SetReadDeadline(time.Time{}) == nil {
			return 0, errInterrupted
		}
	}
	if len(h.rest) == 0 {
		return h.ReadWriteCloser.Read(p)
	}
	n := copy(p, h.rest)
	h.rest = h.rest[n:]
	return n, nil
}

// listen reads the hello. When it is interrupted it can be called again.
func (h *greeting) listen() error {
	info, rest, err := h.readHello()
	if errors.Is(err, errInterrupted) {
		return err
	}
	h.seen, h.rest = nil, rest
	h.mu.Lock()
	h.info, h.err = info, err
	h.mu.Unlock()
	if err == nil {
		close(h.said)
	}
	return err
}

// Poll reads what arrives within d, behind the hello, where the connection can
// tell that without going to sleep.
func (h *greeting) Poll(p []byte, d time.Duration) int {
	if h.poller == nil || len(h.rest) > 0 || !isClosed(h.said) {
		return 0
	}
	return h.poller.Poll(p, d)
}

// PollWrite writes what is taken without going to sleep, where the connection can
// tell that.
func (h *greeting) PollWrite(p []byte, d time.Duration) int {
	if h.writer == nil {
		return 0
	}
	return h.writer.PollWrite(p, d)
}

// SetReadDeadline bounds Read, also one in progress.
func (h *greeting) SetReadDeadline(t time.Time) error {
	if conn, ok := h.ReadWriteCloser.(interface{ SetReadDeadline(time.Time) error }); ok {
		return conn.SetReadDeadline(t)
	}
	return os.ErrNoDeadline
}

// told is what the hello told.
func (h *greeting) told() Info {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.info
}

// failure is why no hello came to a session that has ended. What was read, or
// came instead, tells more than that it could not be written any more.
func (h *greeting) failure(ended error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return h.err
	}
	return ended
}

// boundOpening ends a gateway that does not open in time.
func (gw *Gateway) boundOpening(timeout time.Duration) {
	boot, _ := gw.raw.(Bootstrapper)
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	before := progressOf(boot)
	for _, step := range []<-chan struct{}{gw.hello.said, gw.ready} {
		for !isClosed(step) {
			select {
			case <-step:
				continue
			case <-gw.lost:
				return
			case <-gw.hello.ctx.Done():
			case <-timer.C:
				if now := progressOf(boot); now != before {
					before = now
					timer.Reset(timeout)
					continue
				}
				gw.hello.cancel(fmt.Errorf("nothing came for %v", timeout))
			}
			gw.raw.Close()
			return
		}
	}
}

func progressOf(boot Bootstrapper) int64 {
	if boot == nil {
		return 0
	}
	return boot.Progress()
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
