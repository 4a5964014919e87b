package luagw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/luagw/luagw/mux"
)

// maxAcceptors is how many goroutines wait for streams while none come.
const maxAcceptors = 2

// server is an agent at work for one near side.
type server struct {
	agent *Agent
	conn  *connection

	acceptors atomic.Int32  // goroutines that wait for streams
	endOnce   sync.Once     // closes ended
	ended     chan struct{} // closed when no stream will come any more
	executing atomic.Int64
	settled   chan struct{} // closed when the control stream is there and the settings are in force

	mu     sync.Mutex                    // guards the following
	runner Runner                        // with the near side's limits
	turns  chan struct{}                 // one for each fragment that may run; nil without limit
	queued int                           // fragments that wait for their turn
	early  map[uint32]bool               // streams that were cancelled before they were known
	order  []uint32                      // of early, oldest first
	hops   map[uint32]context.CancelFunc // of the dials that are under way or forwarded, by stream
}

func (s *server) serve() error {
	s.conn.goDo(s.accept)
	<-s.ended
	cause := s.conn.why()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if !s.conn.finish(ctx, errNearGone) {
		return fmt.Errorf("%d fragments did not end when their connection did", s.executing.Load())
	}
	if hungUp(cause) {
		return nil
	}
	return cause
}

// accept serves streams until the session ends. The goroutine that accepts one
// serves it, without a change of goroutine, and sees to it that another accepts
// meanwhile; there are as many as that takes, and one more.
func (s *server) accept() {
	for s.awaitStream() {
		stream, err := s.conn.session.Accept(context.Background())
		if err != nil {
			s.endOnce.Do(func() { close(s.ended) })
			return
		}
		if s.acceptors.Add(-1) == 0 && !s.conn.goDo(s.accept) {
			stream.Close()
			return
		}
		s.handle(stream)
	}
}

// awaitStream counts one more who is about to accept; false if there are enough.
func (s *server) awaitStream() bool {
	if s.acceptors.Add(1) <= maxAcceptors {
		return true
	}
	s.acceptors.Add(-1)
	return false
}

// hungUp says whether the near side closed the connection, which whoever writes
// sees as a broken pipe.
func hungUp(cause error) bool {
	return errors.Is(cause, io.EOF) || errors.Is(cause, mux.ErrClosed) ||
		errors.Is(cause, syscall.EPIPE) || errors.Is(cause, io.ErrClosedPipe)
}

// handle serves one stream.
func (s *server) handle(stream *mux.Stream) {
	fr := newFrameReader(stream)
	k, payload, err := fr.next()
	if err != nil {
		stream.Close()
		return
	}
	switch k {
	case kindExec:
		s.exec(stream, fr, payload)
	case kindChannel:
		s.conn.adopt(stream, fr)
	case kindControl:
		err = s.control(stream, fr, payload)
	case kindStatus:
		s.status(stream)
	case kindDial:
		s.dial(stream, payload, fr.buf)
	default:
		err = fmt.Errorf("%w: %d begins a stream", errFrameKind, k)
	}
	if err != nil && s.conn.lostError() == nil {
		s.conn.fail(err)
	}
}

// exec runs a chunk. What arrives on its channel is the session's to deliver.
func (s *server) exec(stream *mux.Stream, fr *frameReader, payload []byte) {
	ch := newChannel(s.conn, stream, roleFragment)
	ctx, cancel := context.WithCancelCause(s.conn.ctx)
	ch.cancel = cancel
	if err := s.conn.add(ch); err != nil {
		s.conn.fail(err)
		return
	}
	if s.wasCancelled(stream.ID()) {
		cancel(errNearClosed)
	}
	chunk, modules, err := readChunk(payload, ch)
	if err == nil {
		err = s.conn.takeModules(chunk, modules)
	}
	if err != nil {
		s.conn.fail(err)
		return
	}
	s.executing.Add(1)
	ch.listen(fr)
	s.run(ctx, chunk, ch)
	cancel(nil)
}

// run waits for the fragment's turn, runs it, and tells the near side.
func (s *server) run(ctx context.Context, chunk *Chunk, ch *Channel) {
	held := channelsIn(chunk.Args, nil)
	for _, arg := range held {
		arg.Hold()
	}
	results, err := s.runGuarded(ctx, chunk, ch)
	if err != nil && ctx.Err() != nil {
		err = cancelError(err, context.Cause(ctx))
	}
	for _, arg := range held {
		arg.Release(err)
	}
	s.executing.Add(-1)
	ch.complete(ctx, results, err)
}

// cancelError makes the reason of a cancellation the error's text.
func cancelError(err, cause error) error {
	remote, ok := errors.AsType[*RemoteError](err)
	if !ok {
		return cause
	}
	return &RemoteError{Message: cause.Error(), Traceback: remote.Traceback}
}

// runGuarded turns a panic of a runner's into the fragment's error: one
// fragment must not end the others.
func (s *server) runGuarded(ctx context.Context, chunk *Chunk, ch *Channel) (results []any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &RemoteError{Message: fmt.Sprintf("%s: panic: %v", chunk.Name, r), Traceback: string(debug.Stack())}
		}
	}()
	runner, leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	s.agent.procs.enter()
	defer s.agent.procs.leave()
	if err := s.agent.audit.tell(chunk); err != nil {
		return nil, err
	}
	err = runner.Run(ctx, chunk, ch)
	return chunk.Results, err
}

// enter waits for a turn where the number of running fragments is limited. Those
// that wait get theirs in the order in which they came, by the queue that a Go
// channel has: a turn that is given back is the first one's, before anybody else
// can take it.
func (s *server) enter(ctx context.Context) (Runner, func(), error) {
	select {
	case <-s.settled:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	s.mu.Lock()
	runner, turns := s.runner, s.turns
	if turns == nil {
		s.mu.Unlock()
		return runner, func() {}, nil
	}
	if s.queued >= maxQueued {
		s.mu.Unlock()
		return nil, nil, fmt.Errorf("refused: %d fragments run and %d wait", cap(turns), maxQueued)
	}
	s.queued++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.queued--
		s.mu.Unlock()
	}()
	select {
	case turns <- struct{}{}:
		return runner, func() { <-turns }, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// control applies the settings and then acts on what the near side sends beside
// the channels.
func (s *server) control(stream *mux.Stream, fr *frameReader, payload []byte) error {
	setup, err := readSettings(payload)
	if err != nil {
		return err
	}
	s.mu.Lock()
	repeated := s.conn.control != nil
	if !repeated {
		stream.SetPatient()
		s.conn.control = mux.NewWriter(stream)
	}
	s.mu.Unlock()
	if repeated {
		return fmt.Errorf("%w: a second control stream", errMalformed)
	}
	switch refused, err := s.settle(setup); {
	case err != nil:
		return err
	case !refused:
		close(s.settled) // otherwise nothing that came ahead may run
	}
	for {
		k, payload, err := fr.next()
		if err != nil {
			return err
		}
		if err := s.command(k, payload); err != nil {
			return err
		}
	}
}

// settle puts the settings in force, or tells the near side why not.
func (s *server) settle(setup settings) (refused bool, err error) {
	ctx := s.conn.ctx
	if setup.silence > 0 {
		s.conn.session.EndAfterSilence(setup.silence)
	}
	if setup.empty() {
		return false, nil
	}
	if err := s.applySettings(setup); err != nil {
		return true, s.conn.sendFailure(ctx, err)
	}
	dir, _ := os.Getwd()
	return false, s.conn.sendControl(ctx, kindReady, dir)
}

// sendFailure refuses the settings.
func (c *connection) sendFailure(ctx context.Context, err error) error {
	b, beginErr := c.control.Begin(ctx)
	if beginErr != nil {
		return beginErr
	}
	start := len(b)
	b = appendRemoteError(beginFrame(b, kindError), err, 0, nil)
	b, _ = endFrame(b, start)
	return c.control.Commit(ctx, b)
}

func (s *server) applySettings(setup settings) error {
	limits := setup.limits
	if limits.Running > 0 {
		s.mu.Lock()
		s.turns = make(chan struct{}, limits.Running)
		s.mu.Unlock()
		limits.Running = 0
	}
	if limits != (Limits{}) {
		limiter, ok := s.agent.Runner.(Limiter)
		if !ok {
			return errors.New("this agent cannot limit its fragments")
		}
		s.mu.Lock()
		s.runner = limiter.Limited(limits)
		s.mu.Unlock()
	}
	setup.limits = Limits{}
	if setup.empty() {
		return nil
	}
	if !s.agent.process {
		return errors.New("dir, env and nice need an agent with a process of its own")
	}
	return setup.apply()
}

// command acts on one frame of the control stream.
func (s *server) command(k kind, payload []byte) error {
	if k != kindCancel {
		return fmt.Errorf("%w: %d in the control stream", errFrameKind, k)
	}
	list, err := readList(payload, nil, 1)
	if err != nil {
		return err
	}
	id, ok := list[0].(int64)
	if !ok {
		return errMalformed
	}
	s.cancel(uint32(id))
	return nil
}

// maxEarly bounds what a peer can make us remember of streams that never come.
const maxEarly = 1 << 10

// cancel ends a fragment, or a dial. Its stream may not have been accepted yet.
func (s *server) cancel(id uint32) {
	s.mu.Lock() // also while it is looked up, so that wasCancelled misses nothing
	defer s.mu.Unlock()
	if leave := s.hops[id]; leave != nil {
		leave()
		return
	}
	s.conn.mu.Lock()
	ch := s.conn.channels[id]
	s.conn.mu.Unlock()
	if ch != nil {
		ch.discard.Store(true)
		ch.drop(errNearClosed)
		ch.cancelFragment(errNearClosed)
		return
	}
	if s.early == nil {
		s.early = map[uint32]bool{}
	}
	if len(s.order) >= maxEarly {
		delete(s.early, s.order[0])
		s.order = s.order[1:]
	}
	s.early[id] = true
	s.order = append(s.order, id)
}

func (s *server) wasCancelled(id uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.early[id]
}
