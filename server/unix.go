package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/peer"
)

// ListenUnix listens on a Unix socket. A socket that a server left behind which
// is gone is replaced; anything else at path is an error. Where this process is
// root everybody may connect, for everybody gets an agent that is theirs;
// otherwise nobody but its own user, and root.
func ListenUnix(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	mode := os.FileMode(0o600)
	if os.Geteuid() == 0 {
		mode = 0o666
	}
	if err := os.Chmod(path, mode); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// removeStale removes a socket on which nobody listens.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // what is wrong with it, Listen says
	}
	if info.Mode().Type() != os.ModeSocket {
		return errors.New("something else is there")
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return errors.New("another server listens there")
	}
	if !isRefused(err) {
		return err
	}
	return os.Remove(path)
}

// serveUnix gives an agent to whom the kernel says is at the other end.
func (s *session) serveUnix(conn *net.UnixConn) {
	s.transport, s.from = "unix", "unknown"
	who, err := peer.Of(conn)
	if err == nil {
		s.from = fmt.Sprintf("uid %d pid %d", who.UID, who.PID)
		s.login, err = s.server.admit(s, who)
	}
	s.server.door.leave(s.visitor)
	if err != nil {
		s.refuse(err)
		luagw.WriteHelloError(conn, err)
		return
	}
	if exit := s.run(conn); exit.Stderr != "" {
		s.server.logf("connection %s from %s: the agent wrote: %q", s.id, s.from, exit.Stderr)
	}
	conn.Close()
	if s.copied != nil {
		<-s.copied
	}
}

// admit decides about who has connected to a Unix socket.
func (s *server) admit(session *session, who peer.Peer) (*login, error) {
	switch s.own.uid {
	case who.UID:
		return &login{account: s.own}, nil
	case 0:
		return &login{account: accountByID(session.ctx, who.UID, who.GID)}, nil
	}
	if who.UID == 0 {
		return &login{account: s.own}, nil
	}
	return nil, fmt.Errorf("this server is for user %q and root, and not for the user with the number %d", s.own.name, who.UID)
}
