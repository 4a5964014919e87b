package luagw

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/luagw/luagw/mux"
)

const (
	// claimTimeout is how long the channels that a value names may take to
	// arrive. Their streams were opened before the value was sent, so they
	// are there already unless the peer lies.
	claimTimeout = 5 * time.Second

	// printTimeout is how long a channel's end waits for the lines which
	// its fragment printed before.
	printTimeout = 10 * time.Second

	// maxChannels is how many channels of the peer's one connection carries.
	maxChannels = 16 << 10

	// maxOrphans and maxOrphaned are how many channels that have ended are
	// kept for values that name them, and how many bytes in them.
	maxOrphans  = 1 << 8
	maxOrphaned = 8 << 20
)

var (
	errNearClosed = errors.New("cancelled: the near side closed the channel")
	errNearGone   = errors.New("cancelled: the connection to the near side has ended")
)

// connection is one end of a gateway's connection, the same on both sides: the
// session, its open channels, and the control stream.
type connection struct {
	session *mux.Session
	gateway nearSide // nil on the far side
	near    bool

	ctx    context.Context // ends when the session has ended
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup // the connection's goroutines

	wake  func()                   // session.Wake
	known atomic.Pointer[keyTable] // nil until it is needed

	control *mux.Writer // frames to the peer; nil on the far side until settled

	mu       sync.Mutex // guards the following
	channels map[uint32]*Channel
	orphans  []*Channel        // of channels: those that have ended, oldest first
	over     bool              // no channel is added any more
	arrived  chan struct{}     // closed when a channel arrives; nil if nobody waits
	ended    bool              // goDo starts nothing any more
	cause    error             // why this side ended the session; nil if it did not
	sources  map[string]string // of modules, by hash: far side; sent ones have "" on the near side

	prints printCount
}

// nearSide is a connection's [Gateway], as the connection knows it. Were it the
// type itself, an agent would contain the near side's methods.
type nearSide interface {
	ID() string
	lostError() error
}

// newConnection returns an end of the session; gateway is nil on the far side.
func newConnection(session *mux.Session, gateway nearSide) *connection {
	c := &connection{session: session, gateway: gateway, near: gateway != nil, wake: session.Wake, channels: map[uint32]*Channel{}}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	return c
}

// keys is the connection's table of keys.
func (c *connection) keys() *keyTable {
	if t := c.known.Load(); t != nil {
		return t
	}
	c.known.CompareAndSwap(nil, &keyTable{})
	return c.known.Load()
}

// goDo runs fn on a goroutine which finish waits for. What fn waits for must
// end with the session.
func (c *connection) goDo(fn func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return false
	}
	c.wg.Go(fn)
	return true
}

// fail ends the session because of what the peer did.
func (c *connection) fail(cause error) {
	c.mu.Lock()
	if c.cause == nil {
		c.cause = cause
	}
	c.mu.Unlock()
	c.session.Close()
}

// why is the reason for the session's end.
func (c *connection) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return c.cause
	}
	return c.session.Err()
}

// finish ends the channels of the connection, whose session has ended, and what
// runs on it, and waits for that until ctx ends.
func (c *connection) finish(ctx context.Context, cause error) bool {
	c.cancel(cause)
	for _, ch := range c.last() {
		ch.streamEnded(cause)
	}
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	done := make(chan struct{})
	go func() { // ends with the last goroutine of the connection
		c.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// last lists the channels that are open, to which none is added any more.
func (c *connection) last() []*Channel {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	var open []*Channel
	for _, ch := range c.channels {
		if !ch.gone {
			open = append(open, ch)
		}
	}
	return open
}

// lostError is why everything on the connection ends; nil while the session is
// well.
func (c *connection) lostError() error {
	select {
	case <-c.session.Done():
	default:
		return nil
	}
	if c.gateway != nil {
		return c.gateway.lostError()
	}
	return errNearGone
}

// add enters a channel, so that values can name it.
func (c *connection) add(ch *Channel) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return context.Cause(c.ctx)
	}
	if len(c.channels) >= maxChannels {
		return fmt.Errorf("protocol error: more than %d open channels", maxChannels)
	}
	c.channels[ch.stream.ID()] = ch
	if c.arrived != nil {
		close(c.arrived)
		c.arrived = nil
	}
	return nil
}

// forget removes a channel that has ended on both sides. One that travels as a
// value stays for a while: a value that names it may be on its way, and what was
// sent on it is still to be received.
func (c *connection) forget(ch *Channel) {
	unnamed := errors.Is(ch.Err(), errNoGoodbye)
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch.gone {
		return
	}
	ch.gone = true
	if ch.role == rolePlain && ch.sent && !unnamed && !c.ended {
		c.keep(ch)
		return
	}
	delete(c.channels, ch.stream.ID())
}

// keep keeps a channel that has ended, and gives up the oldest ones while there
// are too many: the values that named them have come or were thrown away.
func (c *connection) keep(ch *Channel) {
	c.orphans = append(c.orphans, ch)
	unread := 0
	for _, orphan := range c.orphans {
		unread += orphan.in.unread()
	}
	for len(c.orphans) > maxOrphans || unread > maxOrphaned {
		oldest := c.orphans[0]
		c.orphans = slices.Delete(c.orphans, 0, 1)
		unread -= oldest.in.unread()
		delete(c.channels, oldest.stream.ID())
	}
}

// name notes that a value is to name ch to the peer; false if ch is closed.
func (c *connection) name(ch *Channel) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch.gone || ch.discard.Load() {
		return false
	}
	ch.sent = true
	return true
}

// discard has what still comes on ch thrown away. No value names it any more.
func (c *connection) discard(ch *Channel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch.discard.Store(true)
}

// claim finds the channel of a stream for a value that names it. It does not
// wait: see awaitChannel.
func (c *connection) claim(id uint32) (*Channel, error) {
	c.mu.Lock()
	ch := c.channels[id]
	if ch != nil {
		ch.claims++
	}
	c.mu.Unlock()
	if ch != nil {
		return ch, nil
	}
	if c.ours(id) {
		return nil, fmt.Errorf("channel %d has ended", id)
	}
	if lost := c.lostError(); lost != nil {
		return nil, lost
	}
	return nil, fmt.Errorf("channel %d is not known here", id)
}

// awaitChannel waits for the channel of a stream that the peer has just opened,
// which may not have been accepted yet. It returns false if ctx ends first, and
// does not wait for what cannot come any more.
func (c *connection) awaitChannel(ctx context.Context, id uint32) bool {
	for !c.ours(id) {
		arrived := c.arrival(id)
		if arrived == nil {
			return true
		}
		select {
		case <-arrived:
		case <-c.session.Done():
			return true
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// ours says whether this side opened the stream: yamux gives odd numbers to
// the client's, and the near side is the client.
func (c *connection) ours(id uint32) bool { return (id%2 == 1) == c.near }

// arrival is closed when the next channel arrives; nil if that of the stream is
// here.
func (c *connection) arrival(id uint32) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.channels[id] != nil {
		return nil
	}
	if c.arrived == nil {
		c.arrived = make(chan struct{})
	}
	return c.arrived
}

// open opens a stream whose first frame is a request.
func (c *connection) open(ctx context.Context, role role, k kind, request ...any) (*Channel, error) {
	stream, err := c.session.Open(ctx)
	if err != nil {
		return nil, c.openError(ctx, err)
	}
	ch := newChannel(c, stream, role)
	ch.claims, ch.sent = 1, role != rolePlain
	if err := c.add(ch); err != nil {
		stream.Close()
		return nil, err
	}
	stream.Deliver(&ch.intake)
	err = ch.send(ctx, k, ch.out.Commit, func(b []byte) ([]byte, error) { return appendValues(b, request, ch) })
	if err != nil {
		ch.in.close(err)
		ch.out.Fail(err)
		stream.Close()
		c.forget(ch)
		return nil, err
	}
	return ch, nil
}

func (c *connection) openError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return c.whyLost(err)
}

// wait waits until ready is filled or closed, until ctx ends. What fills it does so
// also when the session has ended.
func (c *connection) wait(ctx context.Context, ready <-chan struct{}) error {
	if err := c.session.Wait(ctx, ready); err == nil || ctx.Err() != nil {
		return err
	}
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// whyLost is why the connection ended, or err if it has not. A session that is
// about to end fails its streams a moment before it is done.
func (c *connection) whyLost(err error) error {
	if c.session.Err() != nil {
		<-c.session.Done()
	}
	if lost := c.lostError(); lost != nil {
		return lost
	}
	return err
}

// sendControl sends a frame on the control stream, where items never stand in
// the way.
func (c *connection) sendControl(ctx context.Context, k kind, payload ...any) error {
	if c.control == nil {
		return nil
	}
	b, err := c.control.Begin(ctx)
	if err != nil {
		return err
	}
	start := len(b)
	b, err = appendValues(beginFrame(b, k), payload, nil)
	if err == nil {
		b, err = endFrame(b, start)
	}
	if err != nil {
		c.control.Cancel()
		return err
	}
	return c.control.Commit(ctx, b)
}

// sendCancel has the fragment of a stream cancelled.
func (c *connection) sendCancel(id uint32) {
	c.goDo(func() {
		if c.sendControl(c.ctx, kindCancel, id) == nil {
			c.control.Flush(c.ctx)
		}
	})
}

// adopt takes a channel that the peer opened to send as a value.
func (c *connection) adopt(stream *mux.Stream, fr *frameReader) {
	ch := newChannel(c, stream, rolePlain)
	ch.sent = true
	if err := c.add(ch); err != nil {
		c.fail(err)
		return
	}
	ch.listen(fr)
}

// idle waits until no fragment's channel is open.
func (c *connection) idle(ctx context.Context) error {
	for _, ch := range c.fragments() {
		ch.CloseWrite()
		if err := ch.Wait(ctx); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// fragments are the channels of running fragments.
func (c *connection) fragments() []*Channel {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []*Channel
	for _, ch := range c.channels {
		if ch.role != rolePlain && !ch.isDone() {
			list = append(list, ch)
		}
	}
	return list
}
