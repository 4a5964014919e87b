package luagw

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/luagw/luagw/mux"
)

// forwardSize is how many bytes are forwarded at once.
const forwardSize = 64 << 10

// errReachesNot answers a dial where Agent.Dial is nil.
var errReachesNot = errors.New("this agent does not reach further")

// dial serves a near side's wish to reach further. It runs on the stream's own
// goroutine, which is done when nothing of what was reached is left.
func (s *server) dial(stream *mux.Stream, payload, first []byte) {
	defer stream.Close()
	select {
	case <-s.settled: // the control stream is there
	case <-s.conn.ctx.Done():
		return
	}
	ctx, leave := s.enterHop(stream.ID())
	defer leave()
	far, err := s.dialSpec(ctx, payload)
	if err != nil {
		answerDial(stream, appendDialError(beginFrame(nil, kindError), err))
		s.sayExit(stream.ID(), Exit{Code: -1})
		stream.Close()
		drain(stream)
		return
	}
	if answerDial(stream, beginFrame(nil, kindReady)) == nil {
		defer s.watchStderr(stream.ID(), far)() // until its exit: the last words come late
		s.forward(ctx, stream, first, far)
	}
	far.Close()
	exit := Exit{Code: -1}
	if exiter, ok := far.(Exiter); ok {
		exit = exiter.Exit(ctx)
	}
	s.sayExit(stream.ID(), exit)
}

// watchStderr hands on what a process writes to its standard error, until stop.
func (s *server) watchStderr(id uint32, far any) (stop func()) {
	process, ok := far.(interface{ WatchStderr(io.Writer) })
	if !ok {
		return func() {}
	}
	process.WatchStderr(&hopStderr{s, id})
	return func() { process.WatchStderr(nil) }
}

// enterHop notes a dial, so that the near side can cancel it.
func (s *server) enterHop(id uint32) (ctx context.Context, leave func()) {
	ctx, cancel := context.WithCancel(s.conn.ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.early[id] {
		cancel()
	}
	if s.hops == nil {
		s.hops = map[uint32]context.CancelFunc{}
	}
	s.hops[id] = cancel
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.hops, id)
	}
}

func (s *server) dialSpec(ctx context.Context, payload []byte) (io.ReadWriteCloser, error) {
	spec, timeout, err := readDialRequest(payload)
	if err != nil {
		return nil, err
	}
	if s.agent.Dial == nil {
		return nil, errReachesNot
	}
	if timeout <= 0 {
		timeout = openTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return s.agent.Dial(ctx, spec)
}

// forward copies both ways until both have ended, or ctx has.
func (s *server) forward(ctx context.Context, near *mux.Stream, first []byte, far io.ReadWriteCloser) {
	stop := context.AfterFunc(ctx, func() { far.Close() }) // by which all below ends
	defer stop()
	home := make(chan struct{})
	started := s.conn.goDo(func() {
		defer close(home)
		s.forwardHome(near, far)
	})
	if !started {
		return
	}
	forwardOut(far, near, first)
	<-home
}

// forwardOut copies from the near side, and hands on that nothing more comes.
func forwardOut(far io.ReadWriteCloser, near *mux.Stream, first []byte) {
	var err error
	if len(first) > 0 {
		_, err = far.Write(first)
	}
	if err == nil {
		err = pump(far, near)
	}
	if err != nil {
		drain(near) // nobody takes it any more, and the near side must not be stuck
	}
	if half, ok := far.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
		return
	}
	far.Close()
}

// forwardHome copies to the near side, and hands on that nothing more comes.
func (s *server) forwardHome(near *mux.Stream, far io.ReadWriteCloser) {
	err := pump(near, far)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		(&hopStderr{s, near.ID()}).Write([]byte(err.Error() + "\n"))
	}
	near.Close()
}

// pump copies until src ends, and returns nil, or until something fails.
func pump(dst io.Writer, src io.Reader) error {
	buf := make([]byte, forwardSize)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// hopStderr takes home what is said beside a forwarded connection.
type hopStderr struct {
	server *server
	id     uint32
}

func (w *hopStderr) Write(p []byte) (int, error) {
	c := w.server.conn
	if err := c.sendControl(c.ctx, kindStderr, int64(w.id), string(p)); err != nil {
		return 0, err
	}
	return len(p), c.control.Flush(c.ctx)
}

// sayExit tells the near side that nothing is left of what was reached.
func (s *server) sayExit(id uint32, exit Exit) {
	if s.conn.sendControl(s.conn.ctx, kindExit, int64(id), exit.Code, exit.Signal) == nil {
		s.conn.control.Flush(s.conn.ctx)
	}
}
