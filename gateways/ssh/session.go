package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/child"
)

const (
	// grace is how long a command may take to end after its input has.
	grace = child.DefaultGrace

	// lastWords bounds the wait for what comes behind the end of the output:
	// an exit status, or the news that the connection is lost.
	lastWords = 200 * time.Millisecond

	// quickCommand is the length from which a command is known among what is
	// written, in bytes: nothing else that this side sends before has as many.
	quickCommand = 256
)

var _ luagw.Exiter = (*session)(nil)

// session is a command on a host as a connection. It owns the goroutines that
// open it, listen to its requests, drain its standard error, and wait for the
// answer to what was asked; they end with the channel, or the connection below.
type session struct {
	spec *luagw.Spec
	link *link
	tail child.Tail

	opened  chan struct{} // closed when channel is there, or never will be
	channel gossh.Channel // set before opened is closed; nil if there is none
	asked   atomic.Int64  // calls of Progress while it was opened, and one for the end of that

	writing  sync.Mutex // the library's Write and CloseWrite get in each other's way
	routines sync.WaitGroup
	leaving  sync.Once     // Close: who comes second waits for it
	ended    chan struct{} // closed when no more requests come
	drained  chan struct{} // closed when no more of the standard error comes

	reading sync.Mutex // held in a Read of channel: the library wakes one reader when it ends

	mu      sync.Mutex // guards the following
	exit    luagw.Exit
	exited  bool
	refused error
	closed  bool
	early   bool   // closed before it was opened
	keeping bool   // what is written is kept: it is being opened
	kept    []byte // what was written meanwhile
}

func newSession(l *link, spec *luagw.Spec, stderr io.Writer) *session {
	s := &session{
		link: l, spec: spec, opened: make(chan struct{}),
		ended: make(chan struct{}), drained: make(chan struct{}), exit: luagw.Exit{Code: -1},
	}
	s.tail.Watch(stderr)
	return s
}

// attach takes the channel on which the command will run.
func (s *session) attach(channel gossh.Channel, requests <-chan *gossh.Request) {
	s.channel = channel
	s.routines.Go(func() { s.listen(requests) })
	s.routines.Go(s.drain)
	s.asked.Add(1)
	close(s.opened)
}

// listen takes the server's requests, until the channel is closed.
func (s *session) listen(requests <-chan *gossh.Request) {
	defer close(s.ended)
	for request := range requests {
		switch request.Type {
		case "exit-status":
			var status struct{ Code uint32 }
			if gossh.Unmarshal(request.Payload, &status) == nil {
				s.setExit(luagw.Exit{Code: int(int32(status.Code))})
			}
		case "exit-signal":
			var signal struct {
				Name    string
				Core    bool
				Message string
				Lang    string
			}
			if gossh.Unmarshal(request.Payload, &signal) == nil {
				s.setExit(luagw.Exit{Code: -1, Signal: signalText(signal.Name)})
			}
		}
		request.Reply(false, nil)
	}
}

func (s *session) setExit(exit luagw.Exit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exit, s.exited = exit, true
}

// drain reads the standard error.
func (s *session) drain() {
	defer close(s.drained)
	io.Copy(&s.tail, s.channel.Stderr())
}

// WatchStderr has w get what is kept of the command's standard error, and then
// what comes. A Write of w holds up the command. Nil ends it.
func (s *session) WatchStderr(w io.Writer) { s.tail.Watch(w) }

// ask asks the server to run something. It returns when that is on its way, so
// that what is written now comes behind it: the answer would take a round trip,
// and comes to Read if it is a no. The library does not say when a request that
// wants an answer was sent, but a long one is known by its length. For a short
// one the answer is waited for.
func (s *session) ask(request, what string) error {
	sent := s.link.wire.await(max(len(what), quickCommand))
	answered := make(chan error, 1)
	s.routines.Go(func() {
		err := s.askAndWait(request, what)
		s.link.wire.running.Store(true)
		answered <- err
		if err != nil && !errors.Is(err, io.EOF) { // it was closed, or the connection is gone: Read tells
			s.refuse(fault(luagw.StageSpawn, fmt.Errorf("%s does not run the command: %w", s.link.host, err)))
		}
	})
	select {
	case <-sent:
		return nil
	case err := <-answered:
		return err
	}
}

func (s *session) askAndWait(request, what string) error {
	ok, err := s.channel.SendRequest(request, true, gossh.Marshal(struct{ What string }{what}))
	if err == nil && !ok && request == "subsystem" {
		err = fmt.Errorf("the server refuses: it has no subsystem %q, or cannot start a process", what)
	} else if err == nil && !ok {
		err = errors.New("the server refuses: it cannot start a process, or is to run no commands")
	}
	return err
}

// refuse ends a session of which the server wants to know nothing. It is called
// by whoever opens it, or once it is open.
func (s *session) refuse(err error) {
	s.mu.Lock()
	s.refused = err
	s.mu.Unlock()
	if s.channel != nil {
		s.channel.Close()
		return
	}
	s.asked.Add(1)
	close(s.ended)
	close(s.drained)
	close(s.opened)
}

// Read reads from the command's standard output.
func (s *session) Read(p []byte) (int, error) {
	n, err := s.readChannel(p)
	if n > 0 || err == nil {
		return n, nil
	}
	return 0, s.ending(err)
}

func (s *session) readChannel(p []byte) (int, error) {
	<-s.opened
	if s.channel == nil {
		return 0, net.ErrClosed
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	return s.channel.Read(p)
}

// discard reads what nobody wants any more.
func (s *session) discard() {
	buf := make([]byte, 32<<10)
	for {
		if _, err := s.readChannel(buf); err != nil {
			return
		}
	}
}

// ending tells why there is no more to read: io.EOF if the command has closed
// its output.
func (s *session) ending(err error) error {
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-s.ended:
	case <-timer.C:
		return err
	}
	if known, ok := s.known(); ok {
		return known
	}
	select {
	case <-s.link.done:
	case <-timer.C:
		return err
	}
	if s.link.err != nil {
		return s.link.err
	}
	return err
}

// known is what is known of the end without the connection's.
func (s *session) known() (error, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.early: // whoever has closed it wants to know what did not come in time
		return openError(s.spec, fault(luagw.StageSpawn, fmt.Errorf("%s has not opened a session yet%w", s.link.host, hidden{luagw.ErrClosed}))), true
	case s.closed:
		return luagw.ErrClosed, true
	case s.refused != nil:
		return openError(s.spec, s.refused), true
	case s.exited:
		return io.EOF, true
	}
	return nil, false
}

// Write writes to the command's standard input.
func (s *session) Write(p []byte) (int, error) {
	n := s.keep(p)
	if n == len(p) {
		return n, nil
	}
	more, err := s.writeChannel(p[n:])
	n += more
	if err != nil {
		err = s.ending(err)
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("write to the command on %s: it does not take any more: %w", s.link.host, io.ErrClosedPipe)
		}
	}
	return n, err
}

func (s *session) writeChannel(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.channel == nil {
		return 0, net.ErrClosed
	}
	return s.channel.Write(p)
}

// CloseWrite ends the command's standard input, behind a Write that is under
// way, and behind what was written ahead.
func (s *session) CloseWrite() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.channel == nil {
		return s.ending(net.ErrClosed)
	}
	return s.channel.CloseWrite()
}

// Close closes the connection and the client.
func (s *session) Close() error {
	s.mu.Lock()
	s.early = !s.closed && !s.isOpened() || s.early
	s.closed = true
	s.mu.Unlock()
	s.leaving.Do(s.leave)
	err := s.link.close()
	s.routines.Wait()
	return err
}

// leave gives the command the end of its input, and time to end by itself. What
// it still says is thrown away. All of it ends with the time at the latest,
// because the connection is cut then. A session that is still being opened has
// no command.
func (s *session) leave() {
	if !s.isOpened() {
		return
	}
	timer := time.AfterFunc(grace, func() { s.link.cut(luagw.ErrClosed) })
	defer timer.Stop()
	s.routines.Go(s.discard)
	s.routines.Go(func() { s.CloseWrite() }) // waits for a Write that is stuck until the connection is cut
	select {
	case <-s.ended:
	case <-s.link.done:
	}
}

// Exit implements [luagw.Exiter].
func (s *session) Exit(ctx context.Context) luagw.Exit {
	for _, end := range []chan struct{}{s.ended, s.drained} {
		select {
		case <-end:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	exit := s.exit
	exit.Stderr = s.tail.String()
	return exit
}

// signalText is how this system would call a signal of RFC 4254, section 6.10.
func signalText(name string) string {
	texts := map[string]string{
		"ABRT": "aborted", "ALRM": "alarm clock", "FPE": "floating point exception", "HUP": "hangup",
		"ILL": "illegal instruction", "INT": "interrupt", "KILL": "killed", "PIPE": "broken pipe",
		"QUIT": "quit", "SEGV": "segmentation fault", "TERM": "terminated",
	}
	return first(texts[name], "SIG"+printable(name))
}
