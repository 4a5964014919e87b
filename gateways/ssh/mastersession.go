package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh/controlmaster"
	"github.com/luagw/luagw/internal/child"
)

var _ luagw.Exiter = (*masterSession)(nil)

// masterSession is a command on a host as a connection, over a master. It owns the
// goroutines that drain its standard error and wait for its end; they end with
// conn, or with Close.
type masterSession struct {
	host *host
	conn *controlmaster.Conn // the session ends with it

	in, out, diag *os.File // our ends of the command's standard input, output and error
	tail          child.Tail

	routines sync.WaitGroup
	drained  chan struct{} // closed when no more of the standard error comes
	leaving  sync.Once     // Close: who comes second waits for it

	ended chan struct{} // closed when the session has ended; what follows is set before
	code  int
	lost  error // why it is not known how
}

// openMasterSession starts a command. It returns when the host has opened the session.
func openMasterSession(ctx context.Context, m *master, request, what string, stderr io.Writer) (*masterSession, error) {
	s := &masterSession{host: m.host, conn: m.conn, drained: make(chan struct{}), ended: make(chan struct{})}
	s.tail.Watch(stderr)
	command := &controlmaster.Command{Line: what, Subsystem: request == "subsystem"}
	for _, v := range m.host.environment() {
		command.Env = append(command.Env, v.Name+"="+v.Value)
	}
	theirs, err := s.makePipes()
	if err == nil {
		command.Stdin, command.Stdout, command.Stderr = theirs[0], theirs[1], theirs[2]
		err = m.conn.Run(ctx, command)
	}
	for _, file := range theirs {
		file.Close()
	}
	if err != nil {
		s.closePipes()
		return nil, err
	}
	s.routines.Go(s.drain)
	s.routines.Go(s.watch)
	return s, nil
}

// makePipes makes our ends, and returns the command's. On an error there may be some of
// both, and nil for the others.
func (s *masterSession) makePipes() (theirs [3]*os.File, err error) {
	if theirs[0], s.in, err = os.Pipe(); err != nil {
		return theirs, err
	}
	if s.out, theirs[1], err = os.Pipe(); err != nil {
		return theirs, err
	}
	s.diag, theirs[2], err = os.Pipe()
	return theirs, err
}

func (s *masterSession) closePipes() {
	for _, file := range []*os.File{s.in, s.out, s.diag} {
		file.Close()
	}
}

// drain reads the standard error.
func (s *masterSession) drain() {
	defer close(s.drained)
	io.Copy(&s.tail, s.diag)
}

// watch waits for the end.
func (s *masterSession) watch() {
	defer close(s.ended)
	s.code, s.lost = s.conn.Wait()
}

// Read reads from the command's standard output. Its end is that of the command, or
// the error tells that the master has lost it.
func (s *masterSession) Read(p []byte) (int, error) {
	n, err := s.out.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, closed(netError(err))
	}
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-s.ended:
	case <-timer.C:
		return n, err
	}
	if s.lost != nil {
		err = fmt.Errorf("the connection to %s is lost: %w", s.host, s.lost)
	}
	return n, err
}

// Write writes to the command's standard input.
func (s *masterSession) Write(p []byte) (int, error) {
	n, err := s.in.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		err = fmt.Errorf("write to the command on %s: it does not take any more: %w", s.host, io.ErrClosedPipe)
	}
	return n, closed(netError(err))
}

// CloseWrite ends the command's standard input.
func (s *masterSession) CloseWrite() error { return s.in.Close() }

// Close says that there is no more input, gives the command time to end, and then
// ends the session.
func (s *masterSession) Close() error {
	s.leaving.Do(s.leave)
	return nil
}

func (s *masterSession) leave() {
	s.in.Close()
	s.routines.Go(func() { io.Copy(io.Discard, s.out) })
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-s.ended:
	case <-timer.C:
	}
	s.conn.Close()
	<-s.ended
	s.diag.SetReadDeadline(time.Now().Add(lastWords)) // the master may keep it
	<-s.drained
	s.closePipes()
	s.routines.Wait()
}

// Exit implements [luagw.Exiter].
func (s *masterSession) Exit(ctx context.Context) luagw.Exit {
	for _, end := range []chan struct{}{s.ended, s.drained} {
		select {
		case <-end:
		case <-ctx.Done():
		}
	}
	exit := luagw.Exit{Code: -1, Stderr: s.tail.String()}
	select {
	case <-s.ended:
		exit.Code = s.code
	default:
	}
	return exit
}
