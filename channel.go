package luagw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"sync"
	"sync/atomic"

	"github.com/luagw/luagw/mux"
)

// errNoGoodbye ends a channel whose stream ended without a closing frame.
var errNoGoodbye = errors.New("protocol error: the channel's stream ended without a goodbye")

// role is what a channel is for on this side.
type role byte

const (
	rolePlain    role = iota // travels as a value
	roleCaller               // the near side of a fragment
	roleFragment             // the far side of it, where the fragment runs
)

// Channel exchanges items with the other side: a fragment, or whoever got the
// channel as a value. Items arrive in the order in which they were sent, each
// whole. What is sent is bounded: Send waits while the other side does not
// receive, after its window (about half a MiB) is full.
//
// All methods may be called concurrently, also several Sends and Receives at a
// time. A context bounds the call it is given to and nothing else.
type Channel struct {
	conn   *connection
	stream *mux.Stream
	role   role
	intake intake // fills in
	in     inbox
	out    *mux.Writer

	discard     atomic.Bool // what still arrives is thrown away
	writeClosed atomic.Bool // kindEnd, kindClose or kindError was sent

	printed atomic.Uint64         // lines; roleFragment only
	verdict atomic.Pointer[error] // what the fragment closed it with; roleFragment only

	// Guarded by conn.mu.
	claims  int  // values that named it here, and one if this side opened it
	sent    bool // a value named it to the other side, or that side opened it
	gone    bool // both sides are done
	holders int  // fragments that have it

	mu       sync.Mutex              // guards the following
	last     chan struct{}           // closed when the frame that ends it is dealt with; nil if none is at work
	finished bool                    // done is closed
	err      error                   // why it is done: io.EOF, *RemoteError, *GatewayLostError, ErrClosed
	results  []byte                  // encoded list that the chunk returned
	cancel   context.CancelCauseFunc // ends the fragment; roleFragment only
	done     chan struct{}
}

func newChannel(conn *connection, stream *mux.Stream, role role) *Channel {
	c := &Channel{conn: conn, stream: stream, role: role, out: mux.NewWriter(stream), done: make(chan struct{})}
	c.intake.channel = c
	c.in.init(conn.wake)
	return c
}

// Gateway is the gateway that the channel belongs to; nil on the far side.
func (c *Channel) Gateway() *Gateway {
	gw, _ := c.conn.gateway.(*Gateway)
	return gw
}

// String is the channel's number and its gateway's id.
func (c *Channel) String() string {
	if c.conn.gateway == nil {
		return fmt.Sprintf("channel %d", c.stream.ID())
	}
	return fmt.Sprintf("channel %d of %s", c.stream.ID(), c.conn.gateway.ID())
}

// Send sends one item. It returns when the item is on its way or in the
// channel's buffer, and waits, until ctx ends, while the other side does not
// receive what was sent before. An item is sent whole or, with an error, not
// at all. Small items sent in quick succession leave together, a millisecond
// or two later at the most.
//
// What can be sent is told at [Marshal]; a channel of the same gateway can be
// sent too. The error is a [*ValueError] naming the path of what cannot
// travel, ErrClosed after CloseWrite or Close, what [Channel.Err] tells once
// the other side is done, or ctx's.
func (c *Channel) Send(ctx context.Context, item any) error {
	if c.writeClosed.Load() {
		return c.sendError()
	}
	return c.send(ctx, kindItem, c.out.Commit, func(b []byte) ([]byte, error) {
		return appendValue(b, item, c)
	})
}

// Post does what Send does, but leaves a small item to be sent with what
// follows: with the next wait on this channel, with [Channel.Flush], or within
// a few milliseconds. It is for a [Runner], whose fragments send and then end
// or receive.
func (c *Channel) Post(ctx context.Context, item Marshaler) error {
	if c.writeClosed.Load() {
		return c.sendError()
	}
	return c.send(ctx, kindItem, c.out.CommitLater, func(b []byte) ([]byte, error) {
		return item.MarshalItem(b, c)
	})
}

// Flush sends what is left in the channel's buffer by Post. When ctx ends
// first, that is done in the background.
func (c *Channel) Flush(ctx context.Context) error { return c.out.Flush(ctx) }

// sendError is why nothing can be sent any more.
func (c *Channel) sendError() error {
	if err := c.Err(); err != nil && err != io.EOF {
		return err
	}
	return errWriteClosed
}

// commit is one of a Writer's.
type commit func(ctx context.Context, buf []byte) error

// send writes one frame whose payload fill appends.
func (c *Channel) send(ctx context.Context, k kind, commit commit, fill func([]byte) ([]byte, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := c.out.Begin(ctx)
	if err != nil {
		return c.writeError(ctx, err)
	}
	committed := false
	defer func() { // also when a Marshaler panics
		if !committed {
			c.out.Cancel()
		}
	}()
	start := len(b)
	if b, err = fill(beginFrame(b, k)); err != nil {
		return err
	}
	if b, err = endFrame(b, start); err != nil {
		return err
	}
	committed = true
	return c.writeError(ctx, commit(ctx, b))
}

// writeError makes the reason why the connection ended of an error that the
// stream had for it, which may come a moment before that is known.
func (c *Channel) writeError(ctx context.Context, err error) error {
	_, told := errors.AsType[*RemoteError](err)
	switch {
	case err == nil || told || err == ctx.Err() || errors.Is(err, mux.ErrReset):
		return err
	case errors.Is(err, mux.ErrClosed):
		if c.conn.session.Err() != nil { // it is that, and not the stream
			return c.conn.whyLost(err)
		}
		return errChannelClosed
	case errors.Is(err, net.ErrClosed):
		return err
	}
	select {
	case <-c.conn.session.Done():
		return c.conn.lostError()
	case <-ctx.Done():
		return err
	}
}

// Receive returns the next item. When all items are received it returns, every
// time, io.EOF if the other side said that it is done, or why it ended:
// a [*RemoteError], or a [*GatewayLostError]. After Close it returns ErrClosed.
//
// When ctx ends first it returns ctx's error, and no item is lost, nor is one
// that names channels which are not here yet: it is received next. Channels that
// do not come within five seconds of waiting are an error, and the item is lost.
func (c *Channel) Receive(ctx context.Context) (any, error) {
	payload, err := c.receive(ctx)
	if err != nil {
		return nil, err
	}
	v, rest, err := decodeValue(payload, c)
	if err == nil && len(rest) > 0 {
		err = errMalformed
	}
	return v, err
}

// ReceiveInto receives the next item as Receive does, into what dst points to,
// as [Unmarshal] tells. An item that does not fit is a [*ValueError], and lost.
// Where dst is a *[]byte its memory is used again, as append(dst[:0], ...) does:
// that is how to receive many long strings without new memory for each.
func (c *Channel) ReceiveInto(ctx context.Context, dst any) error {
	payload, err := c.receive(ctx)
	if err != nil {
		return err
	}
	err = decodeInto(payload, c, dst)
	if _, ok := dst.(Unmarshaler); !ok { // which may keep it
		reuse(payload)
	}
	return err
}

// ReceiveAs receives the next item of c as a T: a struct (by `luagw:"name"`
// tags), map, slice, number, string, time.Time, *Channel, or Raw.
func ReceiveAs[T any](ctx context.Context, c *Channel) (T, error) {
	var v T
	err := c.ReceiveInto(ctx, &v)
	return v, err
}

// receive waits for one item. What was sent leaves first, for it may be what
// the other side waits for.
func (c *Channel) receive(ctx context.Context) ([]byte, error) {
	for {
		payload, credit, err := c.in.pop()
		if err != nil {
			return nil, err
		}
		if payload != nil {
			c.credit(credit)
			return c.awaitNamed(ctx, payload)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c.out.Flush(ctx) // its error is the channel's end, which pop tells
		if err := c.await(ctx); err != nil {
			return nil, err
		}
	}
}

func (c *Channel) await(ctx context.Context) error {
	if !c.in.wait() {
		return nil
	}
	defer c.in.done()
	return c.conn.wait(ctx, c.in.ready)
}

// Items walks the items until the other side is done. The last pair has a nil
// item and the error, unless that is io.EOF. Breaking the loop loses nothing.
func (c *Channel) Items(ctx context.Context) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for {
			item, err := c.Receive(ctx)
			if err == io.EOF {
				return
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// CloseWrite says that no more items will be sent; the other side sees its
// iteration end. Receiving goes on. It returns at once; what was sent before is
// delivered in the background.
func (c *Channel) CloseWrite() error {
	if !c.writeClosed.Swap(true) {
		c.sendLast(kindEnd, nil)
	}
	return nil
}

// sendLast sends the closing frame, behind whatever was sent before, on a
// goroutine of the connection's that ends with it.
func (c *Channel) sendLast(k kind, payload []byte) {
	c.conn.goDo(func() {
		ctx := c.conn.ctx
		var err error
		if k == kindEnd || c.wasSent() {
			err = c.send(ctx, k, c.out.Commit, func(b []byte) ([]byte, error) { return append(b, payload...), nil })
		}
		if err == nil {
			c.out.Drain(ctx)
		}
		if k != kindEnd && c.role == rolePlain {
			c.out.Fail(errChannelClosed)
			c.stream.Close()
		}
	})
}

// wasSent says whether the other side can know the channel. One that it will
// never hear of ends without a goodbye, by which it knows not to keep it.
func (c *Channel) wasSent() bool {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	return c.sent
}

// Close says that this side is not interested any more. A fragment at the other
// end is cancelled; otherwise the other side gets what was sent before and then
// io.EOF. What was not received is dropped. Close returns at once, and may be
// called any number of times.
func (c *Channel) Close() error {
	switch c.role {
	case roleFragment:
		err := c.CloseWrite()
		c.drop(errChannelClosed)
		return err
	case roleCaller:
		c.abandon()
		return nil
	}
	c.shut(errChannelClosed)
	if !c.writeClosed.Swap(true) {
		c.sendLast(kindClose, appendClose(nil, nil, 0))
	}
	return nil
}

// CloseWithError closes the channel as Close does, but the other side receives
// err, after the items sent before: as a [*RemoteError] in Go, raised in Lua. A
// fragment is not cancelled otherwise. From a fragment, which may go on, err is
// sent when it ends, in the place of what it returns.
func (c *Channel) CloseWithError(err error) error {
	if err == nil {
		return c.Close()
	}
	if c.role == roleFragment {
		if !c.writeClosed.Swap(true) {
			c.verdict.Store(&err)
		}
		c.drop(errChannelClosed)
		return nil
	}
	payload := appendRemoteError(nil, err, 0, c)
	c.shut(errChannelClosed)
	if !c.writeClosed.Swap(true) {
		c.sendLast(kindError, payload)
	}
	return nil
}

// abandon ends the near side of a fragment at once and has the fragment
// cancelled. The stream is drained by its reader until the far side is done.
func (c *Channel) abandon() {
	wasDone := c.isDone()
	c.writeClosed.Store(true)
	c.shut(errChannelClosed)
	if wasDone {
		return
	}
	c.out.Fail(errChannelClosed)
	c.conn.sendCancel(c.stream.ID())
	c.conn.goDo(func() { c.stream.Close() })
}

// shut ends receiving on this side and throws away what still comes.
func (c *Channel) shut(err error) {
	c.conn.discard(c)
	c.drop(err)
	c.finish(err)
}

// drop ends receiving, and drops what was not received.
func (c *Channel) drop(err error) {
	items, credit := c.in.close(err)
	c.credit(credit)
	c.dropRefs(items)
}

// finish notes why the channel is done, once.
func (c *Channel) finish(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished {
		return
	}
	c.finished = true
	c.err = err
	close(c.done)
	c.conn.wake()
}

// Done is closed when the other side is done (a fragment has ended; the other
// holder of the channel closed it or its writing side), when the gateway is
// lost, or after Close.
func (c *Channel) Done() <-chan struct{} { return c.done }

// Err is why the channel is done: io.EOF if the other side ended well, a
// [*RemoteError], a [*GatewayLostError], or ErrClosed. Nil before that.
func (c *Channel) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Wait waits until the other side is done and returns nil if it ended well,
// otherwise what Err tells. It keeps what was received. A fragment that has
// sent more than the window holds is not done until somebody receives it; the
// error of a ctx that ends meanwhile says how much is unread.
func (c *Channel) Wait(ctx context.Context) error {
	if !c.isDone() {
		c.out.Flush(ctx)
	}
	if err := c.conn.wait(ctx, c.done); err != nil {
		if n := c.in.unread(); n >= inboxSize {
			return fmt.Errorf("luagw: waiting for a channel with %d bytes unread: %w", n, err)
		}
		return err
	}
	if err := c.Err(); err != io.EOF {
		return err
	}
	return nil
}

func (c *Channel) isDone() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Results waits as Wait does and returns what the fragment's chunk returned.
func (c *Channel) Results(ctx context.Context) ([]any, error) {
	if err := c.Wait(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	results := c.results
	c.mu.Unlock()
	if len(results) == 0 {
		return nil, nil
	}
	if err := c.awaitRefs(ctx, results); err != nil {
		return nil, err
	}
	v, _, err := decodeValue(results, c)
	list, _ := v.([]any)
	return list, err
}

// deliver hands a run of items to the inbox. The first bytes came as a part.
func (c *Channel) deliver(items []byte, part int) {
	if c.discard.Load() {
		c.dropRefs([][]byte{items})
		c.credit(c.in.skip(len(items), part))
		return
	}
	credit, taken := c.in.push(items, part)
	if !taken {
		c.dropRefs([][]byte{items})
	}
	c.credit(credit)
}

// credit lets the peer send more.
func (c *Channel) credit(n int) {
	if n > 0 {
		c.stream.Consumed(n)
	}
}

// handle acts on a frame which is no item. It is the caller's to keep.
func (c *Channel) handle(k kind, payload []byte) error {
	if c.concluding() != nil {
		return nil // it was on its way when the channel was closed
	}
	switch k {
	case kindEnd:
		c.in.end(io.EOF)
		if c.role != roleCaller {
			c.finish(io.EOF)
		}
		return nil
	case kindClose:
		return c.peerClosed(payload)
	case kindError:
		c.conclude(func() error { return c.peerFailed(payload) })
		return nil
	}
	return fmt.Errorf("%w: %d in a channel", errFrameKind, k)
}

// peerClosed ends the channel, after the last line that was printed.
func (c *Channel) peerClosed(payload []byte) error {
	results, printed, err := readClose(payload)
	if err != nil {
		return err
	}
	end := func() error {
		c.mu.Lock()
		c.results = results
		c.mu.Unlock()
		c.peerDone(io.EOF, errPeerClosed)
		return nil
	}
	if c.conn.printsMissing(c.stream.ID(), printed) == nil {
		return end()
	}
	c.conclude(func() error {
		c.conn.awaitPrints(c.stream.ID(), printed)
		return end()
	})
	return nil
}

// peerFailed ends the channel, or what a fragment receives, with an error.
func (c *Channel) peerFailed(payload []byte) error {
	remote, printed, err := readRemoteError(payload, c)
	if err != nil {
		return err
	}
	c.conn.awaitPrints(c.stream.ID(), printed)
	if c.role == roleFragment {
		c.in.end(remote)
		c.finish(remote)
		return nil
	}
	c.peerDone(remote, remote)
	return nil
}

// conclude does what takes time before the channel ends, such as to wait for
// channels that an error names, on a goroutine of the connection's.
func (c *Channel) conclude(end func() error) {
	done := make(chan struct{})
	c.mu.Lock()
	c.last = done
	c.mu.Unlock()
	started := c.conn.goDo(func() {
		defer close(done)
		if err := end(); err != nil {
			c.conn.fail(err)
		}
	})
	if !started {
		close(done)
	}
}

func (c *Channel) concluding() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// peerDone ends both directions.
func (c *Channel) peerDone(receive, send error) {
	c.in.end(receive)
	c.out.Fail(send)
	c.finish(receive)
	c.cancelFragment(errNearClosed)
}

// streamEnded ends the channel when nothing more will come: what the peer said
// last counts first.
func (c *Channel) streamEnded(err error) {
	last := c.concluding()
	if last == nil {
		c.ended(err)
		return
	}
	c.conn.goDo(func() {
		<-last
		c.ended(c.conn.whyLost(err))
	})
}

// ended tells everybody why nothing more comes.
func (c *Channel) ended(err error) {
	if err == io.EOF {
		err = errNoGoodbye
	}
	if !c.isDone() || !c.discard.Load() {
		c.in.end(err)
		c.out.Fail(err)
		c.finish(err)
		c.cancelFragment(err)
	}
	c.stream.Close()
	c.conn.forget(c)
}

func (c *Channel) cancelFragment(cause error) {
	c.mu.Lock()
	cancel := c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel(cause)
	}
}

// refTo is the number by which other travels on c.
func (c *Channel) refTo(other *Channel) (uint32, error) {
	if other == nil || other.conn != c.conn {
		return 0, errors.New("belongs to another gateway")
	}
	if !c.conn.name(other) {
		return 0, errors.New("is closed")
	}
	return other.stream.ID(), nil
}

// claim finds the channel that a value on c names.
func (c *Channel) claim(id uint32) (*Channel, error) { return c.conn.claim(id) }
