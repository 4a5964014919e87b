//go:build unix

package std

import (
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/luagw/luagw/internal/child"
	"github.com/luagw/luagw/internal/peer"
	"github.com/luagw/luagw/internal/socket"
)

const (
	// tokenBytes is how much chance is in a token.
	tokenBytes = 32

	// tokenTime is how long a connection may take to show it.
	tokenTime = 5 * time.Second

	// maxStrangers is how many connections may be about to.
	maxStrangers = 16
)

// agentListener accepts connections, each of which gets a copy of this agent. It
// owns the goroutine that accepts, which ends with close, and one for each
// connection that has not shown its token, which tokenTime bounds.
type agentListener struct {
	socket *socket.Listener
	token  string // with its line break; empty for a Unix socket

	mu        sync.Mutex // guards the following
	left      int        // connections for which the token is good
	strangers []*os.File // oldest first
	closed    bool
}

// listenTCP listens at a loopback address, and makes a token.
func listenTCP(address string, connections int) (*agentListener, string, error) {
	at, err := loopback(address)
	if err != nil {
		return nil, "", err
	}
	token, err := newToken()
	if err != nil {
		return nil, "", err
	}
	s, err := socket.ListenTCP(at)
	if err != nil {
		return nil, "", err
	}
	port, err := s.Port()
	if err != nil {
		s.Close()
		return nil, "", err
	}
	host := at.Addr().String()
	if at.Addr().Is6() {
		host = "[" + host + "]"
	}
	l := &agentListener{socket: s, token: token + "\n", left: connections}
	go l.accept()
	return l, fmt.Sprintf("tcp:%s:%d//token=%s", host, port, token), nil
}

// listenPath listens at a path, for this user and root.
func listenPath(path string) (*agentListener, string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, "", err
	}
	if strings.ContainsAny(path, "'\"\\") {
		return nil, "", fmt.Errorf("%s has quotes or backslashes, and would have to stand in a spec", path)
	}
	s, err := socket.ListenUnix(path, 0o600)
	if err != nil {
		return nil, "", err
	}
	l := &agentListener{socket: s}
	go l.accept()
	return l, "unix:" + path, nil
}

// newToken takes its chance from the system.
func newToken() (string, error) {
	f, err := os.Open("/dev/urandom")
	if err != nil {
		return "", err
	}
	defer f.Close()
	var b [tokenBytes]byte
	if _, err := io.ReadFull(f, b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

// accept takes connections until the socket is closed.
func (l *agentListener) accept() {
	for {
		conn, err := l.socket.Accept()
		if err != nil {
			l.close()
			return
		}
		if l.enter(conn) {
			go l.serve(conn)
		}
	}
}

// enter has a connection wait for its turn, if need be in the place of the one
// that has been waiting for longest.
func (l *agentListener) enter(conn *os.File) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		conn.Close()
		return false
	}
	if len(l.strangers) >= maxStrangers {
		l.strangers[0].Close()
		l.strangers = l.strangers[1:]
	}
	l.strangers = append(l.strangers, conn)
	return true
}

// serve gives a connection its agent, if it may have one.
func (l *agentListener) serve(conn *os.File) {
	defer conn.Close() // the agent has its own
	known := l.knows(conn)
	if !l.leave(conn, known) {
		return
	}
	if _, err := child.ServeOn(conn); err != nil {
		fmt.Fprintln(os.Stderr, "luagw-agent: agent.listen:", err)
	}
	if l.exhausted() {
		l.close()
	}
}

// knows says whether the other end has shown the token or, at a Unix socket, is
// this user or root.
func (l *agentListener) knows(conn *os.File) bool {
	if l.token == "" {
		who, err := peer.Of(conn)
		return err == nil && (who.UID == os.Geteuid() || who.UID == 0)
	}
	conn.SetReadDeadline(time.Now().Add(tokenTime))
	shown := make([]byte, len(l.token))
	_, err := io.ReadFull(conn, shown)
	return err == nil && subtle.ConstantTimeCompare(shown, []byte(l.token)) == 1
}

// leave says whether a connection gets an agent: it is known, and the token is
// still good.
func (l *agentListener) leave(conn *os.File, known bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.strangers {
		if l.strangers[i] == conn {
			l.strangers = append(l.strangers[:i:i], l.strangers[i+1:]...)
			break
		}
	}
	if !known || l.closed || l.token != "" && l.left == 0 {
		return false
	}
	l.left--
	return true
}

func (l *agentListener) exhausted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.token != "" && l.left == 0
}

// close ends listening. Agents that connections have got go on.
func (l *agentListener) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	l.socket.Close()
	for _, conn := range l.strangers {
		conn.Close()
	}
}
