package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/child"
	"golang.org/x/crypto/ssh"
)

// session is one connection, from its first byte to its last.
type session struct {
	server  *server
	ctx     context.Context
	raw     net.Conn
	visitor *visitor
	begun   time.Time
	id      string

	transport, from string // for the audit

	offered string // fingerprint of the last key that the client showed
	refused string // that of the key which reason is about
	reason  error  // why a key was refused; nil if none was
	name    string // as which it wants to log in
	login   *login

	in, out atomic.Int64    // bytes from and to the client
	copied  <-chan struct{} // closed when nothing is read from the client any more; nil if nothing was
}

// newID is a name for a connection.
func newID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func (s *session) serve() {
	if unix, ok := s.raw.(*net.UnixConn); ok {
		s.serveUnix(unix)
		return
	}
	s.transport, s.from = "tcp", s.raw.RemoteAddr().String()
	s.serveSSH()
}

// record is what an audit line says of the session.
func (s *session) record(event string) Record {
	r := Record{Event: event, ID: s.id, Transport: s.transport, From: s.from, Login: s.name, Key: s.offered}
	if l := s.login; l != nil {
		r.User, r.Key, r.Certificate, r.Line, r.Allow = l.account.name, l.key, l.certificate, l.line, l.allow
	}
	return r
}

// refuse tells the audit, or where there is none the log, of one who was not let
// in. Those who never showed a key, as scanners do not, are not worth a line.
func (s *session) refuse(err error) {
	who := s.from
	switch {
	case s.offered != "":
		who += " with the key " + s.offered
	case s.transport == "tcp":
		return
	}
	if s.server.Audit == nil {
		s.server.logf("not let in: %s: %v", who, err)
		return
	}
	r := s.record("refused")
	r.Error = err.Error()
	if err := s.server.Audit.refuse(r); err != nil {
		s.server.logf("%v", err)
	}
}

// serveSSH lets a client log in and gives it an agent.
func (s *session) serveSSH() {
	limit := time.Now().Add(cmp.Or(s.server.LoginTime, DefaultLoginTime))
	s.raw.SetDeadline(limit)
	conn := &lifeline{Conn: s.raw}
	config := &ssh.ServerConfig{
		MaxAuthTries:      maxTries,
		ServerVersion:     "SSH-2.0-luagw",
		PublicKeyCallback: s.authenticate,
		AuthLogCallback: func(meta ssh.ConnMetadata, method string, err error) {
			if s.name = meta.User(); method == "publickey" && err != nil {
				s.refuseKey(err)
			}
		},
	}
	for _, key := range s.server.HostKeys {
		config.AddHostKey(key)
	}
	client, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		if s.reason != nil {
			err, s.offered = s.reason, s.refused
		}
		s.refuse(err)
		return
	}
	defer client.Close()
	s.login = client.Permissions.ExtraData[loginKey{}].(*login)
	go ssh.DiscardRequests(requests) // ends with the connection
	channel := s.awaitSubsystem(channels)
	if channel == nil {
		return
	}
	s.server.door.leave(s.visitor)
	s.raw.SetDeadline(time.Time{})
	done := make(chan struct{})
	defer close(done)
	go conn.watch(client, cmp.Or(s.server.KeepAlive, DefaultKeepAlive), done)
	exit := s.run(channel)
	tellExit(channel, exit)
	if s.copied != nil {
		<-s.copied // the client hangs up, or the deadline passes
	}
}

// refuseKey keeps why the last key was refused, unless that tells less than why
// one before was.
func (s *session) refuseKey(err error) {
	if s.reason == nil || errors.Is(s.reason, errNoLine) || !errors.Is(err, errNoLine) {
		s.reason, s.refused = err, s.offered
	}
}

// awaitSubsystem waits for the client to ask for the one thing that there is;
// nil if it never does. The connection's deadline bounds it.
func (s *session) awaitSubsystem(channels <-chan ssh.NewChannel) ssh.Channel {
	for offer := range channels {
		if offer.ChannelType() != "session" {
			offer.Reject(ssh.UnknownChannelType, "this is luagw serve: there are sessions of the subsystem luagw only")
			continue
		}
		channel, requests, err := offer.Accept()
		if err != nil {
			return nil
		}
		go func() { // ends with the connection
			for offer := range channels {
				offer.Reject(ssh.ResourceShortage, "this is luagw serve: there is one session in a connection")
			}
		}()
		for request := range requests {
			if wantsSubsystem(request) {
				request.Reply(true, nil)
				go ssh.DiscardRequests(requests) // ends with the connection
				return channel
			}
			if request.Type == "shell" || request.Type == "exec" || request.Type == "subsystem" {
				io.WriteString(channel.Stderr(), "this is luagw serve: it has the subsystem luagw only\r\n")
			}
			request.Reply(false, nil)
		}
		return nil
	}
	return nil
}

func wantsSubsystem(request *ssh.Request) bool {
	var name struct{ Name string }
	return request.Type == "subsystem" && ssh.Unmarshal(request.Payload, &name) == nil && name.Name == Subsystem
}

// tellExit says how the agent ended, as sshd does of a command.
func tellExit(channel ssh.Channel, exit child.Exit) {
	io.WriteString(channel.Stderr(), exit.Stderr)
	if exit.Signal != "" {
		signal := struct {
			Name    string
			Core    bool
			Message string
			Lang    string
		}{Name: signalName(exit.Signal), Message: exit.Signal}
		channel.SendRequest("exit-signal", false, ssh.Marshal(&signal))
	} else {
		status := struct{ Status uint32 }{uint32(max(exit.Code, 0))}
		channel.SendRequest("exit-status", false, ssh.Marshal(&status))
	}
	channel.CloseWrite()
	channel.Close()
}

// signalName is the name that RFC 4254 has for a signal.
func signalName(text string) string {
	names := map[string]string{
		"aborted": "ABRT", "floating point exception": "FPE", "hangup": "HUP", "illegal instruction": "ILL",
		"interrupt": "INT", "killed": "KILL", "broken pipe": "PIPE", "quit": "QUIT",
		"segmentation fault": "SEGV", "terminated": "TERM", "user defined signal 1": "USR1", "user defined signal 2": "USR2",
	}
	if name, ok := names[text]; ok {
		return name
	}
	return strings.ToUpper(strings.ReplaceAll(text, " ", "-")) + "@luagw"
}

// errFull refuses a gateway when there are too many.
var errFull = errors.New("too many gateways are open at this server")

// run starts the agent and carries what it and the client say until one of them
// is done, and then sees it to its end.
func (s *session) run(client io.ReadWriter) child.Exit {
	select {
	case s.server.places <- struct{}{}:
		defer func() { <-s.server.places }()
	default:
		s.refuse(errFull)
		luagw.WriteHelloError(client, fmt.Errorf("%w: it allows %d", errFull, cap(s.server.places)))
		return child.Exit{Code: 1}
	}
	if err := s.server.Audit.write(s.record("open")); err != nil {
		return s.fail(client, err)
	}
	agent, err := s.server.startAgent(s)
	if err != nil {
		s.close(child.Exit{Code: -1}, err)
		return s.fail(client, err)
	}
	s.copied, err = s.carry(client, agent)
	ctx, cancel := context.WithTimeout(context.Background(), partTime)
	defer cancel()
	exit := agent.Exit(ctx)
	s.close(exit, err)
	return exit
}

// partTime bounds what is left to say when the agent is gone.
const partTime = 5 * time.Second

// fail tells a client in place of a hello why there is no agent.
func (s *session) fail(client io.Writer, err error) child.Exit {
	s.server.logf("connection %s from %s: %v", s.id, s.from, err)
	luagw.WriteHelloError(client, err)
	return child.Exit{Code: 1}
}

// carry copies both ways until one of the two is done, and then sees the agent
// to its end: when the client is, the agent has a grace to say its last; what it
// said last goes out.
func (s *session) carry(client io.ReadWriter, agent *agent) (copied <-chan struct{}, err error) {
	fromClient, toClient := make(chan struct{}), make(chan struct{})
	go func() { // ends when the client is done, or with the connection
		defer close(fromClient)
		io.Copy(agent, counted{client, &s.in})
		agent.CloseWrite()
	}()
	go func() { // ends with the agent, or with the connection
		defer close(toClient)
		io.Copy(client, counted{agent, &s.out})
	}()
	select {
	case <-toClient:
	case <-fromClient:
		select {
		case <-toClient:
		case <-time.After(child.DefaultGrace):
		}
	}
	err = agent.Close()
	s.raw.SetDeadline(time.Now().Add(partTime))
	<-toClient
	return fromClient, err
}

// close records the end.
func (s *session) close(exit child.Exit, err error) {
	r := s.record("close")
	r.BytesIn, r.BytesOut = s.in.Load(), s.out.Load()
	r.Seconds = time.Since(s.begun).Seconds()
	r.Exit, r.Signal = &exit.Code, exit.Signal
	if err != nil {
		r.Error = err.Error()
	}
	if err := s.server.Audit.write(r); err != nil {
		s.server.logf("%v", err)
	}
}

// counted counts what is read.
type counted struct {
	io.Reader
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}
