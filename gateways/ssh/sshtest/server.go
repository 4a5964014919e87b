package sshtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Fault is what a server does wrong.
type Fault string

// The faults. A server that stalls keeps the connection and says no more.
const (
	StallBanner   Fault = "stall before the banner"
	CutBanner     Fault = "cut before the banner"
	StallKeys     Fault = "stall after the banner"
	CutKeys       Fault = "cut after the banner"
	StallAuth     Fault = "stall at the login"
	CutAuth       Fault = "cut at the login"
	StallSession  Fault = "stall when a session is opened"
	CutSession    Fault = "cut when a session is opened"
	RefuseSession Fault = "refuse a session"
	RefuseCommand Fault = "refuse a command"
	CutCommand    Fault = "cut when a command is run"
)

// Options say what a [Server] is like. The zero value lets the site's key in
// and runs commands by sh.
type Options struct {
	Listener net.Listener // TCP; on the loopback if nil

	Fault   Fault
	Drop    int                     // how many connections are closed at once, the first ones
	Preface string                  // is sent before the banner, and to those that are dropped
	HostKey ssh.Signer              // instead of the site's
	Keys    []ssh.Signer            // further host keys
	Banner  string                  // is said before the login
	Version string                  // the ssh banner; of the library if empty
	Config  func(*ssh.ServerConfig) // changes what is about to be used; nil for nothing

	// Delay is called before a session's request is answered, and with its type
	// before a channel is opened, or refused. Nil for not.
	Delay func(request string)

	Env     []string // KEY=VALUE, for the commands that sh runs
	SendEnv bool     // they get the variables that the client sends, too

	// Run runs a command or, where subsystem says so, a subsystem, and returns
	// its exit status. By sh -c if nil.
	Run func(what string, subsystem bool, conn ssh.Channel) int
}

// Server is an ssh server in this process, until the end of the test.
type Server struct {
	*Site
	Accepted atomic.Int32 // connections so far

	options  Options
	listener net.Listener
	routines sync.WaitGroup

	mu     sync.Mutex // guards the following
	conns  []*conn
	closed bool
}

// Start starts a server on the loopback. It is stopped, and its connections are
// cut, at the end of the test.
func Start(tb testing.TB, options Options) *Server {
	tb.Helper()
	s := &Server{Site: newSite(tb), options: options}
	s.listener = options.Listener
	if s.listener == nil {
		var err error
		if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			tb.Fatal(err)
		}
	}
	addr := s.listener.Addr().(*net.TCPAddr)
	s.Host, s.Port = addr.IP.String(), addr.Port
	s.writeKnownHosts()
	s.routines.Go(s.accept)
	tb.Cleanup(s.Stop)
	return s
}

// Stop stops the server and cuts its connections.
func (s *Server) Stop() {
	s.listener.Close()
	s.mu.Lock()
	s.closed = true
	conns := slices.Clone(s.conns)
	s.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
	s.routines.Wait()
}

// Cut cuts all connections that there are now.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
}

// Freeze makes all connections that there are now silent, as if the machine had
// lost its network.
func (s *Server) Freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.freeze()
	}
}

func (s *Server) accept() {
	for {
		raw, err := s.listener.Accept()
		if err != nil {
			return
		}
		number := int(s.Accepted.Add(1))
		c := &conn{Conn: raw, frozen: make(chan struct{}), gone: make(chan struct{})}
		s.mu.Lock()
		s.conns = append(s.conns, c)
		closed := s.closed
		s.mu.Unlock()
		if closed {
			c.Close()
			return
		}
		s.routines.Go(func() {
			defer c.Close()
			s.serve(c, number)
		})
	}
}

// serve serves a connection to its end.
func (s *Server) serve(c *conn, number int) {
	io.WriteString(c, s.options.Preface)
	if number <= s.options.Drop {
		return
	}
	switch s.options.Fault {
	case CutBanner:
		return
	case StallBanner:
		<-c.gone
		return
	case CutKeys:
		io.WriteString(c, "SSH-2.0-test\r\n")
		return
	case StallKeys:
		io.WriteString(c, "SSH-2.0-test\r\n")
		<-c.gone
		return
	}
	server, channels, requests, err := ssh.NewServerConn(c, s.config(c))
	if err != nil {
		return
	}
	s.routines.Go(func() {
		for request := range requests {
			request.Reply(request.Type == "keepalive@openssh.com", nil)
		}
	})
	for channel := range channels {
		s.routines.Go(func() { s.channel(c, channel) })
	}
	server.Close()
}

func (s *Server) config(c *conn) *ssh.ServerConfig {
	wanted := Signer(s.UserKey).PublicKey().Marshal()
	config := &ssh.ServerConfig{
		ServerVersion: s.options.Version,
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !bytes.Equal(key.Marshal(), wanted) {
				return nil, errors.New("another key")
			}
			return nil, nil
		},
		AuthLogCallback: func(ssh.ConnMetadata, string, error) {
			switch s.options.Fault {
			case CutAuth:
				c.Close()
			case StallAuth:
				<-c.gone
			}
		},
	}
	if s.options.Banner != "" {
		config.BannerCallback = func(ssh.ConnMetadata) string { return s.options.Banner }
	}
	for _, key := range s.hostKeys() {
		config.AddHostKey(key)
	}
	if s.options.Config != nil {
		s.options.Config(config)
	}
	return config
}

func (s *Server) hostKeys() []ssh.Signer {
	if s.options.HostKey != nil {
		return append([]ssh.Signer{s.options.HostKey}, s.options.Keys...)
	}
	return append([]ssh.Signer{Signer(s.HostKey)}, s.options.Keys...)
}

// channel serves a session or a forwarded connection.
func (s *Server) channel(c *conn, offered ssh.NewChannel) {
	switch s.options.Fault {
	case CutSession:
		c.Close()
		return
	case StallSession:
		<-c.gone
		return
	case RefuseSession:
		offered.Reject(ssh.ConnectionFailed, "open failed")
		return
	}
	s.delay(offered.ChannelType())
	switch offered.ChannelType() {
	case "session":
		s.session(c, offered)
	case "direct-tcpip":
		s.forward(offered)
	default:
		offered.Reject(ssh.UnknownChannelType, "no such channel")
	}
}

// session serves what a client asks of a session.
func (s *Server) session(c *conn, offered ssh.NewChannel) {
	channel, requests, err := offered.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	env := slices.Concat(os.Environ(), s.options.Env)
	for request := range requests {
		s.delay(request.Type)
		switch {
		case request.Type == "env":
			var variable struct{ Name, Value string }
			taken := s.options.SendEnv && ssh.Unmarshal(request.Payload, &variable) == nil
			if taken {
				env = append(env, variable.Name+"="+variable.Value)
			}
			request.Reply(taken, nil)
		case request.Type != "exec" && request.Type != "subsystem" || s.options.Fault == RefuseCommand:
			request.Reply(false, nil)
		case s.options.Fault == CutCommand:
			c.Close()
		default:
			request.Reply(true, nil)
			var what struct{ Text string }
			ssh.Unmarshal(request.Payload, &what)
			s.routines.Go(func() {
				for range requests { // until the channel is closed
				}
			})
			s.run(what.Text, request.Type == "subsystem", env, channel)
			return
		}
	}
}

func (s *Server) delay(request string) {
	if s.options.Delay != nil {
		s.options.Delay(request)
	}
}

func (s *Server) run(what string, subsystem bool, env []string, channel ssh.Channel) {
	run := s.options.Run
	if run == nil {
		run = func(what string, subsystem bool, channel ssh.Channel) int {
			return runShell(what, subsystem, env, channel)
		}
	}
	status := run(what, subsystem, channel)
	channel.CloseWrite()
	channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(status)}))
}

// runShell runs a command by sh, whatever the login shell of the user is.
func runShell(what string, subsystem bool, env []string, channel ssh.Channel) int {
	if subsystem {
		fmt.Fprintf(channel.Stderr(), "no subsystem %q here\n", what)
		return 1
	}
	command := exec.Command("sh", "-c", what)
	command.Env = env
	stdin, err := command.StdinPipe()
	if err != nil {
		return 255
	}
	command.Stdout, command.Stderr = channel, channel.Stderr()
	if err := command.Start(); err != nil {
		return 255
	}
	go func() { // ends with the channel, or with the command
		io.Copy(stdin, channel)
		stdin.Close()
	}()
	command.Wait()
	return command.ProcessState.ExitCode()
}

// forward connects a client further.
func (s *Server) forward(offered ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(offered.ExtraData(), &to); err != nil {
		offered.Reject(ssh.ConnectionFailed, "malformed")
		return
	}
	far, err := net.Dial("tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
	if err != nil {
		offered.Reject(ssh.ConnectionFailed, "Connection refused")
		return
	}
	channel, requests, err := offered.Accept()
	if err != nil {
		far.Close()
		return
	}
	s.routines.Go(func() { ssh.DiscardRequests(requests) })
	s.routines.Go(func() {
		io.Copy(channel, far)
		channel.Close()
	})
	io.Copy(far, channel)
	far.Close()
}

// conn is a connection that can become silent.
type conn struct {
	net.Conn
	once   sync.Once
	frozen chan struct{} // closed when it is to be silent
	ending sync.Once
	gone   chan struct{} // closed with it
}

func (c *conn) freeze() { c.once.Do(func() { close(c.frozen) }) }

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	select {
	case <-c.frozen:
		<-c.gone
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

func (c *conn) Write(p []byte) (int, error) {
	select {
	case <-c.frozen:
		return len(p), nil
	default:
		return c.Conn.Write(p)
	}
}

// Close closes the connection, and lets go whoever waits for that.
func (c *conn) Close() error {
	c.ending.Do(func() { close(c.gone) })
	return c.Conn.Close()
}
