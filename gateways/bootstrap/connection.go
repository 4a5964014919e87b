package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/agents"
)

const (
	// maxAhead is how much is kept of what is written before the hello.
	maxAhead = 64 << 10

	// maxNoise is how much is read before the hello. What comes after it is
	// for the caller to judge, without a look at its lines.
	maxNoise = 64 << 10

	// maxTail is how much of the noise an error shows.
	maxTail = 2 << 10

	// loadTime bounds how long this side takes to have an agent to send: it
	// may have to build one.
	loadTime = 5 * time.Minute

	// exitTime bounds how long this side waits for the last words of a far
	// side that has closed its standard output.
	exitTime = 2 * time.Second

	// maxWants is how often an agent is sent: once for each place that there
	// may be on the far side.
	maxWants = 6
)

var (
	_ luagw.Exiter       = (*connection)(nil)
	_ luagw.Bootstrapper = (*connection)(nil)
)

// connection is a connection on which an agent is about to speak. Read does the
// work, so that no goroutine is needed.
type connection struct {
	raw    io.ReadWriteCloser
	spec   *luagw.Spec
	source agents.Source
	ctx    context.Context // ends with Close; for Read, whatever that is doing
	cancel context.CancelFunc

	settled chan struct{} // closed by Read when the hello has come, or never will
	plain   atomic.Bool   // settled is closed: there is nothing to do but pass on

	// Only Read uses these, one at a time.
	begun []byte // of a line, not yet known to be noise
	ready []byte // to be returned
	seen  int    // bytes before the hello
	tail  []byte // the last of those that are no reports
	wants int    // how often the far side has asked for an agent
	phase phase
	doing string // what is being done in this phase, for errors
	err   error  // what Read returns when ready is empty

	sent    atomic.Int64 // bytes of agents
	loading atomic.Bool  // this side is at work, to have an agent to send
	asked   atomic.Int64 // calls of Progress meanwhile

	writing sync.Mutex // serialises what is written with the agent that is sent
	keeping sync.Mutex // guards ahead; never held while something is written
	ahead   []byte     // what was written before the hello
}

// phase is how far the far side has come, for errors.
type phase int

const (
	unheard phase = iota
	sending
	running
)

func newConnection(ctx context.Context, spec *luagw.Spec, source agents.Source, raw io.ReadWriteCloser) *connection {
	c := &connection{raw: raw, spec: spec, source: source, settled: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return c
}

// Read returns what comes, except for the reports of bootstrap.sh, which it
// acts upon.
func (c *connection) Read(p []byte) (int, error) {
	for len(c.ready) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		if c.plain.Load() {
			return c.raw.Read(p)
		}
		c.fill()
	}
	n := copy(p, c.ready)
	if c.ready = c.ready[n:]; len(c.ready) == 0 {
		c.ready = nil
	}
	return n, nil
}

// fill reads once, and takes the lines that are whole by then.
func (c *connection) fill() {
	buf := make([]byte, 4<<10)
	n, err := c.raw.Read(buf)
	c.begun = append(c.begun, buf[:n]...)
	for !c.plain.Load() {
		line, rest, whole := bytes.Cut(c.begun, []byte{'\n'})
		if !whole {
			break
		}
		c.line(c.begun[:len(line)+1])
		c.begun = rest
	}
	if c.plain.Load() || err != nil || !mayBecome(c.begun) {
		c.pass(c.begun)
		c.begun = nil
	}
	if err != nil && !c.plain.Load() {
		c.end(err)
	}
}

// end makes Read tell what err means, which came before the hello. A connection
// that never came about tells it best itself.
func (c *connection) end(err error) {
	if open, ok := errors.AsType[*luagw.OpenError](err); ok {
		c.err = open
		c.settle()
		return
	}
	c.fail(c.ended(err))
}

// line takes a whole line.
func (c *connection) line(line []byte) {
	text := bytes.TrimRight(line, "\r\n")
	switch kindOf(text) {
	case reportLine:
		c.bound(len(line))
		if err := c.report(string(text[len(reportPrefix):])); err != nil {
			c.fail(err)
		}
	case helloLine:
		c.pass(line)
		c.settle()
	default:
		c.pass(line)
	}
}

// pass hands on what is none of ours.
func (c *connection) pass(b []byte) {
	c.ready = append(c.ready, b...)
	if c.plain.Load() {
		return
	}
	c.tail = append(c.tail, b...)
	c.tail = c.tail[max(0, len(c.tail)-maxTail):]
	c.bound(len(b))
}

// bound counts what came before the hello.
func (c *connection) bound(n int) {
	if c.seen += n; c.seen > maxNoise {
		c.settle()
	}
}

// settle lets everything through from now on.
func (c *connection) settle() {
	if c.plain.Swap(true) {
		return
	}
	close(c.settled)
	c.keeping.Lock()
	c.ahead = nil
	c.keeping.Unlock()
}

// fail makes Read return err from now on, once it has returned what is ready.
func (c *connection) fail(err error) {
	open := &luagw.OpenError{Spec: c.spec.String(), Stage: luagw.StageBootstrap, Err: err, ExitCode: -1}
	if c.phase == unheard { // then what came instead tells more than err
		open.Stderr = string(c.tail)
	}
	c.err = open
	c.settle()
}

// Write writes p, and keeps it as long as it may have to be written again.
func (c *connection) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		if c.plain.Load() {
			n, err := c.raw.Write(p[written:])
			return written + n, err
		}
		n := c.writeAhead(p[written:])
		if written += n; n > 0 {
			continue
		}
		select {
		case <-c.settled:
		case <-c.ctx.Done():
			return written, luagw.ErrClosed
		}
	}
	return written, nil
}

// writeAhead writes as much of p as may be kept. That the far side does not
// take it is no error here: Read will tell why.
func (c *connection) writeAhead(p []byte) int {
	c.writing.Lock()
	defer c.writing.Unlock()
	p = p[:c.keep(p)]
	if len(p) > 0 {
		c.raw.Write(p)
	}
	return len(p)
}

// keep appends to what is kept, as long as anything is, and tells how much.
func (c *connection) keep(p []byte) int {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	if c.plain.Load() {
		return 0
	}
	n := min(len(p), maxAhead-len(c.ahead))
	c.ahead = append(c.ahead, p[:n]...)
	return n
}

// kept returns what was kept.
func (c *connection) kept() []byte {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	return c.ahead
}

// Progress implements [luagw.Bootstrapper]. While this side builds an agent the
// far side is not to blame. A connection below that is still being made has its
// own.
func (c *connection) Progress() int64 {
	if c.loading.Load() {
		c.asked.Add(1)
	}
	progress := c.sent.Load() + c.asked.Load()
	if below, ok := c.raw.(luagw.Bootstrapper); ok {
		progress += below.Progress()
	}
	return progress
}

// Close closes the connection, and ends what Read is doing.
func (c *connection) Close() error {
	c.cancel()
	return c.raw.Close()
}

// Exit implements [luagw.Exiter]. Nothing is known if the connection below is
// none.
func (c *connection) Exit(ctx context.Context) luagw.Exit {
	if exiter, ok := c.raw.(luagw.Exiter); ok {
		return exiter.Exit(ctx)
	}
	return luagw.Exit{Code: -1}
}
