package mux

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

const (
	// gather is how many bytes a Writer collects before it writes them.
	gather = 32 << 10

	// quiet is how long after its last write a Writer takes the next item
	// for a single one, which should leave at once, and not for one of many.
	quiet = 100 * time.Microsecond

	// keepBuffer is the largest buffer that an idle Writer keeps. One in use
	// keeps what large items need, up to mostBuffer, for making such a buffer
	// anew takes as long as filling it.
	keepBuffer = 2 * gather
	mostBuffer = 4 << 20
)

// deadlineWriter is what a Writer writes to: a [Stream].
type deadlineWriter interface {
	Write(p []byte) (int, error)
	SetWriteDeadline(t time.Time) error
}

// Writer gathers small items into large writes without adding to their
// latency: an item that comes after a pause, or after [Writer.Flush], is
// written at once; items in quick succession are written when 32 KiB have
// gathered, when somebody calls [Writer.Flush] (as one does before waiting for
// an answer), and otherwise within a millisecond or two.
//
// Its methods may be called concurrently. An item is taken whole or not at
// all, whatever happens to the context of the one who gave it.
type Writer struct {
	dst     deadlineWriter
	sweeper *sweeper

	mu      sync.Mutex    // guards the following; not held while dst writes
	buf     []byte        // gathered, not yet given to dst
	spare   []byte        // an empty buffer for the next items
	busy    bool          // some goroutine is writing to dst
	urgent  bool          // Flush was called while busy
	last    time.Time     // end of the last write; zero: the next item is urgent
	queued  bool          // the sweeper will come by
	used    bool          // something was written since it came last
	err     error         // of dst; for good
	space   chan struct{} // cap 1: buf was emptied, or err was set
	waiting int           // calls of Begin that wait for space
	idle    chan struct{} // closed when busy ends; nil if nobody waits
}

// NewWriter returns a Writer that writes to stream, which must not be written
// to by others.
func NewWriter(stream *Stream) *Writer { return newWriter(stream, &stream.session.sweeper) }

func newWriter(dst deadlineWriter, sw *sweeper) *Writer {
	return &Writer{dst: dst, sweeper: sw, space: make(chan struct{}, 1)}
}

// Begin returns the buffer to append one item to, after waiting, until ctx
// ends, while too much is gathered. Exactly one Commit or Cancel must follow,
// soon: the Writer is locked in between.
func (w *Writer) Begin(ctx context.Context) ([]byte, error) {
	w.mu.Lock()
	for w.err == nil && len(w.buf) >= gather {
		if err := w.waitLocked(ctx); err != nil {
			w.mu.Unlock()
			return nil, err
		}
	}
	if w.err != nil {
		w.signalLocked()
		defer w.mu.Unlock()
		return nil, w.err
	}
	return w.buf, nil
}

// waitLocked waits for space, unlocked meanwhile.
func (w *Writer) waitLocked(ctx context.Context) error {
	w.waiting++
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.waiting--
	}()
	select {
	case <-w.space:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Cancel ends what Begin began and changes nothing.
func (w *Writer) Cancel() {
	w.signalLocked()
	w.mu.Unlock()
}

// Commit takes buf, which is Begin's buffer with one item appended, and writes
// it if it is time to. When ctx ends while the peer's window is full, the rest
// is written in the background and Commit returns nil: the item was taken.
func (w *Writer) Commit(ctx context.Context, buf []byte) error {
	first := len(w.buf) == 0
	w.buf = buf
	if len(buf) < gather {
		w.signalLocked()
	}
	switch {
	case w.busy:
		w.mu.Unlock()
		return nil
	case len(buf) >= gather, first && time.Since(w.last) > quiet:
		return w.writeLocked(ctx)
	case first:
		w.armLocked()
	}
	w.mu.Unlock()
	return nil
}

// CommitLater does what Commit does, but leaves an item, even if it comes after
// a pause, to be written together with what follows: for those who know that
// they are going to Flush soon, in the ordinary case.
func (w *Writer) CommitLater(ctx context.Context, buf []byte) error {
	if !w.busy && len(buf) >= gather {
		return w.Commit(ctx, buf)
	}
	w.buf = buf
	w.signalLocked()
	if !w.busy {
		w.armLocked()
	}
	w.mu.Unlock()
	return nil
}

// Flush writes what is gathered, or sees to it that whoever is writing does so
// next. It is for those who are about to wait for something else. When ctx
// ends while the peer's window is full, the rest is written in the background.
func (w *Writer) Flush(ctx context.Context) error {
	w.mu.Lock()
	w.last = time.Time{}
	w.urgent = w.busy
	if w.busy || len(w.buf) == 0 || w.err != nil {
		err := w.err
		w.mu.Unlock()
		return err
	}
	return w.writeLocked(ctx)
}

// Drain waits until everything that was committed before is written, until ctx
// ends, or the stream fails.
func (w *Writer) Drain(ctx context.Context) error {
	for {
		if err := w.Flush(ctx); err != nil {
			return err
		}
		idle := w.whenIdle()
		if idle == nil {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// whenIdle returns a channel that is closed when the write in progress has
// ended, or nil if nothing is left to write.
func (w *Writer) whenIdle() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.busy {
		return nil
	}
	if w.idle == nil {
		w.idle = make(chan struct{})
	}
	return w.idle
}

// Fail makes every later call return err and drops what is gathered.
func (w *Writer) Fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failLocked(err)
}

func (w *Writer) failLocked(err error) {
	if w.err == nil {
		w.err = err
	}
	w.buf, w.spare = nil, nil
	w.signalLocked()
}

// signalLocked wakes one of those who wait for space; it will wake the next.
func (w *Writer) signalLocked() {
	if w.waiting == 0 {
		return
	}
	select {
	case w.space <- struct{}{}:
	default:
	}
}

func (w *Writer) armLocked() {
	if !w.queued {
		w.queued = true
		w.sweeper.add(w)
	}
}

// sweep writes what waits for others to join it, on a goroutine that ends when
// all is written.
func (w *Writer) sweep() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queued = false
	if w.busy || w.err != nil {
		return
	}
	if len(w.buf) > 0 {
		w.busy = true
		go w.writeRest()
		return
	}
	w.shrinkLocked()
}

// shrinkLocked lets go of large buffers that were not needed lately.
func (w *Writer) shrinkLocked() {
	if max(cap(w.buf), cap(w.spare)) <= keepBuffer {
		return
	}
	if w.used {
		w.used = false
		w.armLocked()
		return
	}
	w.buf, w.spare = nil, nil
}

// writeLocked writes what is gathered, and unlocks. Others go on gathering
// meanwhile; what they have gathered by the end is left to a goroutine of its
// own, which ends when nothing is left or the stream fails.
func (w *Writer) writeLocked(ctx context.Context) error {
	w.busy = true
	out := w.takeLocked()
	w.signalLocked()
	w.mu.Unlock()

	n, err := w.writeBounded(ctx, out)

	w.mu.Lock()
	cut := errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case w.err != nil:
		cut = false
	case cut:
		w.buf = append(out[n:len(out):len(out)], w.buf...)
	case err != nil:
		w.failLocked(err)
	default:
		w.giveBackLocked(out)
	}
	if cut || (err == nil && (w.urgent || len(w.buf) >= gather)) {
		w.mu.Unlock()
		go w.writeRest()
		return nil
	}
	w.endLocked()
	w.mu.Unlock()
	return err
}

// writeRest writes until nothing is left. It is the busy one.
func (w *Writer) writeRest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && len(w.buf) > 0 {
		out := w.takeLocked()
		w.signalLocked()
		w.mu.Unlock()
		_, err := w.dst.Write(out)
		w.mu.Lock()
		if err != nil {
			w.failLocked(err)
			break
		}
		w.giveBackLocked(out)
	}
	w.endLocked()
}

// endLocked ends being busy. What little was gathered in the meantime waits
// for more, as any item in quick succession.
func (w *Writer) endLocked() {
	w.busy, w.urgent = false, false
	w.last = time.Now()
	if w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
	if len(w.buf) > 0 {
		w.armLocked()
	}
}

// writeBounded writes p, but gives up waiting for the peer's window when ctx
// ends; the error is os.ErrDeadlineExceeded then.
func (w *Writer) writeBounded(ctx context.Context, p []byte) (int, error) {
	if ctx.Done() == nil {
		return w.dst.Write(p)
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		w.dst.SetWriteDeadline(time.Unix(1, 0))
		close(ended)
	})
	n, err := w.dst.Write(p)
	if !stop() {
		<-ended
		w.dst.SetWriteDeadline(time.Time{})
	}
	return n, err
}

func (w *Writer) takeLocked() []byte {
	out := w.buf
	w.buf, w.spare = w.spare, nil
	return out
}

func (w *Writer) giveBackLocked(out []byte) {
	if cap(out) > mostBuffer || w.err != nil {
		return
	}
	w.used = true
	if cap(out) > keepBuffer {
		w.armLocked() // to let go of it again
	}
	if w.buf == nil {
		w.buf = out[:0]
		return
	}
	w.spare = out[:0]
}
