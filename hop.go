package luagw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/luagw/luagw/internal/child"
	"github.com/luagw/luagw/mux"
)

// hopTimeout is how long the agent may take to let go of what it has reached. It
// is more than a process may take to end.
const hopTimeout = 6 * time.Second

var _ Exiter = (*hop)(nil)

// hop is the near end of a connection that an agent forwards.
type hop struct {
	*mux.Stream
	gw    *Gateway
	first []byte // read with the answer; the reader's

	reading sync.Mutex // a stream is read by one at a time
	closing sync.Once
	mute    atomic.Bool // CloseWrite or Close was called
	deaf    atomic.Bool // Close was called
	stderr  child.Tail

	exited chan struct{} // closed when the agent has let go of it; exit is set before
	exit   Exit
}

// newHop enters a hop, so that news of its far end find it.
func (gw *Gateway) newHop(stream *mux.Stream) *hop {
	h := &hop{Stream: stream, gw: gw, exited: make(chan struct{})}
	gw.mu.Lock()
	defer gw.mu.Unlock()
	if gw.hops == nil {
		gw.hops = map[uint32]*hop{}
	}
	gw.hops[stream.ID()] = h
	return h
}

// Read reads what the far end wrote. The error is io.EOF only if it said so.
func (h *hop) Read(p []byte) (int, error) {
	h.reading.Lock()
	defer h.reading.Unlock()
	if len(h.first) > 0 {
		n := copy(p, h.first)
		h.first = h.first[n:]
		return n, nil
	}
	n, err := h.Stream.Read(p)
	if err != nil && h.deaf.Load() {
		return n, ErrClosed
	}
	return n, h.fault(err)
}

// Write writes to the far end.
func (h *hop) Write(p []byte) (int, error) {
	n, err := h.Stream.Write(p)
	if err != nil && h.mute.Load() {
		return n, ErrClosed
	}
	return n, h.fault(err)
}

// fault makes the end of the gateway the reason for what comes of it.
func (h *hop) fault(err error) error {
	if err == nil || err == io.EOF || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	err = h.gw.conn.whyLost(err)
	if errors.Is(err, ErrClosed) {
		return &closedError{h.gw.id + ", which it went through, was closed", ErrClosed}
	}
	return err
}

// CloseWrite tells the far end that nothing more comes.
func (h *hop) CloseWrite() error {
	h.mute.Store(true)
	return h.Stream.Close()
}

// Close closes both directions; what still comes is thrown away.
func (h *hop) Close() error {
	h.abandon()
	timer := time.NewTimer(hopTimeout)
	defer timer.Stop()
	select {
	case <-h.exited:
	case <-h.gw.lost:
	case <-timer.C:
		return fmt.Errorf("%s: what it has reached is still there after %v", h.gw.id, hopTimeout)
	}
	return nil
}

// abandon has the agent let go of the far end, without waiting for it.
func (h *hop) abandon() {
	h.closing.Do(func() {
		h.deaf.Store(true)
		h.CloseWrite()
		h.gw.conn.sendCancel(h.Stream.ID())
		h.Stream.SetReadDeadline(time.Unix(1, 0)) // a Read in progress ends
		h.gw.conn.goDo(func() {                   // ends when the agent closes its direction
			h.reading.Lock()
			defer h.reading.Unlock()
			h.Stream.SetReadDeadline(time.Time{})
			drain(h.Stream)
		})
	})
}

// WatchStderr has w get what a process at the far end has written to its
// standard error so far, as much of it as is kept, and what it will. w is called
// by one goroutine at a time, holds up the gateway's other news while it runs,
// and is nil to stop it.
func (h *hop) WatchStderr(w io.Writer) { h.stderr.Watch(w) }

// Exit implements [Exiter].
func (h *hop) Exit(ctx context.Context) Exit {
	select {
	case <-h.exited:
		return h.exit
	case <-h.gw.lost:
	case <-ctx.Done():
	}
	return Exit{Code: -1, Stderr: h.stderr.String()}
}

// hop finds a hop by its stream; nil if it has ended.
func (gw *Gateway) hop(id int64, forget bool) *hop {
	gw.mu.Lock()
	defer gw.mu.Unlock()
	h := gw.hops[uint32(id)]
	if forget {
		delete(gw.hops, uint32(id))
	}
	return h
}

// hopStderr takes what a far end wrote beside the connection.
func (gw *Gateway) hopStderr(payload []byte) error {
	list, err := readList(payload, nil, 2)
	if err != nil {
		return err
	}
	id, isID := list[0].(int64)
	text, isText := list[1].(string)
	if !isID || !isText {
		return errMalformed
	}
	if h := gw.hop(id, false); h != nil {
		io.WriteString(&h.stderr, text)
	}
	return nil
}

// hopExit takes the news that the agent has let go of a far end.
func (gw *Gateway) hopExit(payload []byte) error {
	list, err := readList(payload, nil, 3)
	if err != nil {
		return err
	}
	id, isID := list[0].(int64)
	code, isCode := list[1].(int64)
	signal, isText := list[2].(string)
	if !isID || !isCode || !isText {
		return errMalformed
	}
	if h := gw.hop(id, true); h != nil {
		h.exit = Exit{Code: int(code), Signal: signal, Stderr: h.stderr.String()}
		close(h.exited)
	}
	return nil
}
