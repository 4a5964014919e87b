// Package server accepts gateways: it is what `luagw serve` runs.
//
// On a TCP listener it speaks SSH and offers nothing but one subsystem, luagw.
// Whoever logs in with a key that the file of authorized keys lists, or with a
// certificate, gets an agent, a process of its own, as sshd would give a shell.
// On a Unix socket the kernel tells who connects, and there is no SSH.
//
// A server that is root starts each agent as the user that the key names, and
// never as root unless the line of the key says so. Another one starts all of
// them as itself.
//
// Before anybody has logged in, everything is bounded: connections, in all and
// from one address, the time for logging in, the attempts, and memory.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"sync"
	"time"

	"github.com/luagw/luagw/internal/allow"
	"golang.org/x/crypto/ssh"
)

// Subsystem is the SSH subsystem that is offered.
const Subsystem = "luagw"

// Defaults of Server's fields.
const (
	DefaultMaxConnections = 256
	DefaultLoginTime      = 30 * time.Second
	DefaultStopTime       = 10 * time.Second
	DefaultKeepAlive      = 10 * time.Second
)

const (
	// maxVisitors is how many connections may be there that have not logged
	// in. Each can make the SSH library allocate 256 KiB.
	maxVisitors = 192

	// maxVisitorsFrom is how many of them may be from one address: enough for
	// a program that opens many gateways at once.
	maxVisitorsFrom = 128

	// visitorsChance is how long they can stay if others want their place.
	visitorsChance = 2 * time.Second

	// maxTries is how many keys a client may try.
	maxTries = 6
)

// Server accepts gateways. Its fields must not be changed once it serves.
type Server struct {
	// HostKeys are the private keys by which the server is known; see
	// [HostKey]. One at least is required for TCP.
	HostKeys []ssh.Signer

	// AuthorizedKeys is the file of keys that may log in, as sshd's, with the
	// options from=, expiry-time=, cert-authority, principals=, luagw-user=
	// and luagw-allow=. A line with another option is refused. It is read
	// again when it changes. No key may log in if empty.
	AuthorizedKeys string

	// TrustedUserCA is a file of authorities: a certificate that one of them
	// has signed lets in the user whom it names, except root. A line with
	// options is refused. None if empty.
	TrustedUserCA string

	// Agent is the command line of the agent to start. This very program if
	// empty, which must serve as one; see luagw.ServeIfAgent.
	Agent []string

	// Allow narrows what fragments may do, for all connections. A key's
	// luagw-allow= narrows it further.
	Allow allow.Policy

	// Audit records connections and fragments; nobody does if nil.
	Audit *Audit

	// MaxConnections is how many gateways there may be at a time.
	// DefaultMaxConnections if zero.
	MaxConnections int

	// LoginTime is how long a client may take to log in.
	// DefaultLoginTime if zero.
	LoginTime time.Duration

	// StopTime is how long gateways may go on when the server is to end.
	// DefaultStopTime if zero.
	StopTime time.Duration

	// KeepAlive is how long a client may be silent before it is asked for a
	// sign of life; after three times that it is taken for dead.
	// DefaultKeepAlive if zero.
	KeepAlive time.Duration

	// Log is told what an administrator should know; discarded if nil.
	Log *log.Logger
}

// server is a Server at work. It owns a goroutine for each listener, which ends
// with it, and one for each connection, which end with them; all are waited for.
type server struct {
	*Server
	own         *account
	keys        *keysFile
	authorities *keysFile // nil if none are trusted
	door        *door
	places      chan struct{} // one for each gateway
	serving     sync.WaitGroup

	mu    sync.Mutex // guards the following
	conns map[net.Conn]bool
	ended bool // no more are accepted
}

// Serve accepts gateways from listeners, of TCP and of Unix sockets, until ctx
// ends. Then it closes the listeners, gives the gateways StopTime to end, closes
// those that have not, and returns nil once all agents are gone. It returns an
// error if a listener fails or something is wrong from the start.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	srv, err := s.start()
	if err != nil {
		for _, l := range listeners {
			l.Close()
		}
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, l := range listeners {
		srv.serving.Go(func() {
			if err := srv.accept(ctx, l); err != nil {
				cancel(err)
			}
		})
	}
	<-ctx.Done()
	for _, l := range listeners {
		l.Close()
	}
	srv.stop()
	if cause := context.Cause(ctx); errors.Is(cause, errAccept) {
		return cause
	}
	return nil
}

var errAccept = errors.New("accept connections")

// start checks the configuration.
func (s *Server) start() (*server, error) {
	own, err := ownAccount()
	if err != nil {
		return nil, err
	}
	if _, err := s.agentCommand(); err != nil {
		return nil, err
	}
	srv := &server{Server: s, own: own, conns: map[net.Conn]bool{}}
	srv.keys = s.keysFile()
	if s.TrustedUserCA != "" {
		srv.authorities = s.authoritiesFile()
	}
	srv.door = &door{most: maxVisitors, perSource: maxVisitorsFrom, chance: visitorsChance}
	srv.places = make(chan struct{}, cmp.Or(s.MaxConnections, DefaultMaxConnections))
	return srv, nil
}

// CheckFiles reads the files of keys, and says what is wrong with them as a
// whole; last, that one is not there. Lines that are refused are told to Log.
func (s *Server) CheckFiles() (missing error) {
	for _, f := range []*keysFile{s.keysFile(), s.authoritiesFile()} {
		if f.path == "" {
			continue
		}
		_, err := f.keys()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = cmp.Or(missing, err)
		case err != nil:
			return err
		}
	}
	return missing
}

func (s *Server) keysFile() *keysFile { return &keysFile{path: s.AuthorizedKeys, log: s.logf} }

func (s *Server) authoritiesFile() *keysFile {
	return &keysFile{path: s.TrustedUserCA, authorities: true, log: s.logf}
}

func (s *Server) logf(format string, args ...any) {
	if s.Log != nil {
		s.Log.Printf(format, args...)
	}
}

// The pauses after a failure to accept that may pass, such as having no
// descriptors left.
const (
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

// accept serves a listener until it is closed.
func (s *server) accept(ctx context.Context, l net.Listener) error {
	pause := minAcceptPause
	for {
		conn, err := l.Accept()
		if err == nil {
			pause = minAcceptPause
			s.receive(ctx, conn)
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("%w: %w", errAccept, err)
		}
		s.logf("accept on %v: %v", l.Addr(), err)
		select {
		case <-time.After(pause):
			pause = min(2*pause, maxAcceptPause)
		case <-ctx.Done():
			return nil
		}
	}
}

// receive serves a connection on a goroutine of its own, if there is room.
func (s *server) receive(ctx context.Context, conn net.Conn) {
	v := s.door.enter(conn, time.Now())
	if v == nil || !s.add(conn) {
		conn.Close()
		if v != nil {
			s.door.leave(v)
		}
		return
	}
	s.serving.Go(func() {
		defer s.remove(conn)
		defer s.door.leave(v)
		defer conn.Close()
		// The connection does not end with ctx: it has StopTime then.
		session := &session{server: s, ctx: context.WithoutCancel(ctx), raw: conn, visitor: v, begun: time.Now(), id: newID()}
		session.serve()
	})
}

func (s *server) add(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.conns[conn] = true
	return true
}

func (s *server) remove(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// stop waits until all has ended, and closes what has not in time.
func (s *server) stop() {
	done := make(chan struct{})
	go func() { // ends with the last connection
		defer close(done)
		s.serving.Wait()
	}()
	s.closeVisitors()
	select {
	case <-done:
		return
	case <-time.After(cmp.Or(s.StopTime, DefaultStopTime)):
	}
	s.mu.Lock()
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	<-done // the ends of agents are bounded
}

// closeVisitors closes what has not logged in: it is too late for that.
func (s *server) closeVisitors() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.door.closeAll()
}
