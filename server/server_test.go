package server

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua"
	"golang.org/x/crypto/ssh"
)

// TestMain makes this binary the agent, too.
func TestMain(m *testing.M) {
	luagw.ServeIfAgent(&lua.Runtime{})
	os.Setenv("GORACE", "atexit_sleep_ms=0") // agents that look for races would take a second to exit
	os.Exit(m.Run())
}

// patience is longer than anything here takes.
const patience = 30 * time.Second

// bed is a server at work, with one key that may log in.
type bed struct {
	*Server
	addr  string
	key   ssh.Signer
	dir   string
	said  *words
	end   context.CancelFunc
	ended chan error
}

// words is a log that can be read.
type words struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func newKey(t testing.TB) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func keyLine(options string, key ssh.PublicKey) string {
	if options != "" {
		options += " "
	}
	return options + string(ssh.MarshalAuthorizedKey(key))
}

// self is the name of the user who runs the tests.
func self(t testing.TB) string {
	t.Helper()
	own, err := ownAccount()
	if err != nil {
		t.Fatal(err)
	}
	return own.name
}

// newBed makes a server which one key may use, as the user of the tests. Change
// may be nil.
func newBed(t testing.TB, change func(*bed)) *bed {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	b := &bed{Server: &Server{}, key: newKey(t), dir: t.TempDir(), said: &words{}, ended: make(chan error, 1)}
	host, _, err := HostKey(filepath.Join(b.dir, "host_key"))
	if err != nil {
		t.Fatal(err)
	}
	b.HostKeys, b.AuthorizedKeys = []ssh.Signer{host}, filepath.Join(b.dir, "authorized_keys")
	b.Audit = &Audit{Path: filepath.Join(b.dir, "audit")}
	b.Log = log.New(b.said, "", 0)
	b.authorize(t, keyLine(`luagw-user="`+self(t)+`"`, b.key.PublicKey()))
	if change != nil {
		change(b)
	}
	b.start(t)
	return b
}

func (b *bed) authorize(t testing.TB, lines ...string) {
	t.Helper()
	if err := replaceFile(b.AuthorizedKeys, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (b *bed) start(t testing.TB) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := ListenUnix(filepath.Join(b.dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	b.end = cancel
	go func() { b.ended <- b.Serve(ctx, l, u) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-b.ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the server does not end")
		}
	})
}

// sshConn is a session of the subsystem, as a connection.
type sshConn struct {
	io.Reader
	io.WriteCloser
	client *ssh.Client
}

func (c *sshConn) Close() error { return c.client.Close() }

// login opens an SSH connection.
func (b *bed) login(user string, keys ...ssh.Signer) (*ssh.Client, error) {
	return ssh.Dial("tcp", b.addr, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(keys...)},
		HostKeyCallback: ssh.FixedHostKey(b.HostKeys[0].PublicKey()), Timeout: patience,
	})
}

func subsystem(client *ssh.Client) (io.ReadWriteCloser, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	stdin, _ := session.StdinPipe()
	stdout, _ := session.StdoutPipe()
	if err := session.RequestSubsystem(Subsystem); err != nil {
		return nil, err
	}
	return &sshConn{stdout, stdin, client}, nil
}

// group is a group whose gateways are of this server, whatever their spec.
func (b *bed) group(t testing.TB, user string, key ssh.Signer) *luagw.Group {
	g := &luagw.Group{Dial: func(context.Context, *luagw.Spec) (io.ReadWriteCloser, error) {
		client, err := b.login(user, key)
		if err != nil {
			return nil, err
		}
		return subsystem(client)
	}}
	t.Cleanup(func() { g.Close() })
	return g
}

// call runs a fragment in a gateway of its own.
func call(t testing.TB, g *luagw.Group, source string, args ...any) ([]any, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	gw, err := g.Open(ctx, "popen")
	if err != nil {
		return nil, err
	}
	defer gw.Close()
	return gw.Call(ctx, source, args...)
}

// works fails the test unless a fragment runs at the server.
func (b *bed) works(t testing.TB) {
	t.Helper()
	got, err := call(t, b.group(t, "", b.key), "return 6 * ...", 7)
	if err != nil || len(got) != 1 || got[0] != int64(42) {
		t.Fatalf("a fragment gave %v, %v; want 42", got, err)
	}
}

// eventually waits for something that happens soon, on its own.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}

func TestFragmentRuns(t *testing.T) {
	b := newBed(t, nil)
	b.works(t)
}

func TestAgentIsAProcessOfItsOwn(t *testing.T) {
	b := newBed(t, nil)
	g := b.group(t, "", b.key)
	ctx := context.Background()
	one, err := g.Open(ctx, "popen//dir=/")
	if err != nil {
		t.Fatal(err)
	}
	two, err := g.Open(ctx, "popen//env:WORD=two")
	if err != nil {
		t.Fatal(err)
	}
	if one.Info().PID == two.Info().PID {
		t.Error("two gateways share a process")
	}
	got, err := one.Call(ctx, `return fs.cwd(), os.getenv("WORD")`)
	if err != nil || got[0] != "/" || got[1] != nil {
		t.Errorf("got %v, %v; want / and no WORD", got, err)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	if got, err := two.Call(ctx, `return os.getenv("WORD")`); err != nil || got[0] != "two" {
		t.Errorf("got %v, %v; want that the other lives on", got, err)
	}
}

func TestBulkBothWays(t *testing.T) {
	b := newBed(t, nil)
	text := strings.Repeat("0123456789abcdef", 1<<18)
	got, err := call(t, b.group(t, "", b.key), "return (...)", text)
	if err != nil || got[0] != text {
		t.Errorf("4 MiB came back wrong, or %v", err)
	}
}

func TestWrongKey(t *testing.T) {
	b := newBed(t, nil)
	wrong := newKey(t)
	if _, err := b.login("", wrong); err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
		t.Fatalf("got %v, want that the key is refused", err)
	}
	eventually(t, "a line in the audit", func() bool {
		return strings.Contains(b.audit(t), `"event":"refused"`)
	})
	if a := b.audit(t); !strings.Contains(a, ssh.FingerprintSHA256(wrong.PublicKey())) || !strings.Contains(a, "no line has the key") {
		t.Errorf("the audit has no fingerprint or reason: %s", a)
	}
	b.works(t)
}

// Without an audit the log tells why somebody was not let in, for the client
// must not know.
func TestWrongKeyWithoutAudit(t *testing.T) {
	b := newBed(t, func(b *bed) { b.Audit = nil })
	wrong := newKey(t)
	if _, err := b.login("", wrong); err == nil {
		t.Fatal("the key was let in")
	}
	eventually(t, "a line in the log", func() bool {
		said := b.said.String()
		return strings.Contains(said, ssh.FingerprintSHA256(wrong.PublicKey())) && strings.Contains(said, "no line has the key")
	})
}

func (b *bed) audit(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(b.Audit.Path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

func TestTooManyKeys(t *testing.T) {
	b := newBed(t, nil)
	keys := make([]ssh.Signer, maxTries+2)
	for i := range keys {
		keys[i] = newKey(t)
	}
	if _, err := b.login("", append(keys, b.key)...); err == nil {
		t.Error("the right key came too late and was taken")
	}
}

func TestRightKeyWithRubbishBehindIt(t *testing.T) {
	b := newBed(t, nil)
	client, err := b.login("", b.key)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := subsystem(client)
	if err != nil {
		t.Fatal(err)
	}
	go conn.Write([]byte(strings.Repeat("GET / HTTP/1.1\r\n\r\n", 1000)))
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("got %v, want the end", err)
	}
	if err := client.Wait(); err == nil {
		t.Error("the connection goes on")
	}
	eventually(t, "a close in the audit", func() bool { return strings.Contains(b.audit(t), `"event":"close"`) })
	b.works(t)
}

func TestNothingButTheSubsystem(t *testing.T) {
	b := newBed(t, nil)
	for _, tt := range []struct {
		name string
		try  func(*ssh.Client) error
	}{
		{"shell", func(c *ssh.Client) error { return inSession(c, (*ssh.Session).Shell) }},
		{"command", func(c *ssh.Client) error {
			return inSession(c, func(s *ssh.Session) error { return s.Start("id") })
		}},
		{"terminal", func(c *ssh.Client) error {
			return inSession(c, func(s *ssh.Session) error { return s.RequestPty("xterm", 24, 80, nil) })
		}},
		{"environment", func(c *ssh.Client) error {
			return inSession(c, func(s *ssh.Session) error { return s.Setenv("LD_PRELOAD", "/tmp/x") })
		}},
		{"sftp", func(c *ssh.Client) error {
			return inSession(c, func(s *ssh.Session) error { return s.RequestSubsystem("sftp") })
		}},
		{"forwarding", func(c *ssh.Client) error { _, err := c.Dial("tcp", b.addr); return err }},
		{"listening", func(c *ssh.Client) error { _, err := c.Listen("tcp", "127.0.0.1:0"); return err }},
		{"a second session", func(c *ssh.Client) error {
			if _, err := subsystem(c); err != nil {
				return nil
			}
			_, err := c.NewSession()
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, err := b.login("", b.key)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if tt.try(client) == nil {
				t.Error("it was granted")
			}
		})
	}
}

func inSession(c *ssh.Client, try func(*ssh.Session) error) error {
	s, err := c.NewSession()
	if err != nil {
		return nil
	}
	return try(s)
}

func TestClientVanishes(t *testing.T) {
	b := newBed(t, func(b *bed) { b.KeepAlive = 100 * time.Millisecond })
	raw, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	tap := &tap{Conn: raw}
	config := &ssh.ClientConfig{Auth: []ssh.AuthMethod{ssh.PublicKeys(b.key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}
	conn, channels, requests, err := ssh.NewClientConn(tap, b.addr, config)
	if err != nil {
		t.Fatal(err)
	}
	client := ssh.NewClient(conn, channels, requests)
	agent, err := subsystem(client)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := agent.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	tap.silence()
	eventually(t, "a close in the audit", func() bool { return strings.Contains(b.audit(t), `"event":"close"`) })
	tap.resume()
}

// tap is a connection whose client can fall silent without hanging up.
type tap struct {
	net.Conn
	mu sync.Mutex // held while silent
}

func (c *tap) silence() { c.mu.Lock() }
func (c *tap) resume()  { c.mu.Unlock() }

func (c *tap) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Conn.Write(p)
}

func TestClientHangsUp(t *testing.T) {
	b := newBed(t, nil)
	g := b.group(t, "", b.key)
	gw, err := g.Open(context.Background(), "popen")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gw.RemoteExec(context.Background(), `process.start("sleep", "1000") while true do sleep(1) end`); err != nil {
		t.Fatal(err)
	}
	gw.Close()
	eventually(t, "a close in the audit", func() bool { return strings.Contains(b.audit(t), `"event":"close"`) })
}

func TestMaxConnections(t *testing.T) {
	b := newBed(t, func(b *bed) { b.MaxConnections = 2 })
	g := b.group(t, "", b.key)
	ctx := context.Background()
	first, err := g.Open(ctx, "popen")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Open(ctx, "popen"); err != nil {
		t.Fatal(err)
	}
	_, err = g.Open(ctx, "popen")
	if err == nil || !strings.Contains(err.Error(), "too many gateways are open at this server: it allows 2") {
		t.Errorf("got %v, want that it is full", err)
	}
	first.Close()
	eventually(t, "a place", func() bool {
		gw, err := g.Open(ctx, "popen")
		return err == nil && gw != nil
	})
}

func TestGracefulStop(t *testing.T) {
	b := newBed(t, func(b *bed) { b.StopTime = patience })
	g := b.group(t, "", b.key)
	ctx := context.Background()
	gw, err := g.Open(ctx, "popen")
	if err != nil {
		t.Fatal(err)
	}
	b.end()
	eventually(t, "no new connections", func() bool {
		conn, err := net.Dial("tcp", b.addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if got, err := gw.Call(ctx, "return 1"); err != nil || got[0] != int64(1) {
		t.Errorf("a gateway that was open: got %v, %v; want that it goes on", got, err)
	}
	gw.Close()
	select {
	case err := <-b.ended:
		b.ended <- err
	case <-time.After(patience):
		t.Error("the server goes on when the last gateway has ended")
	}
}

func TestStopIsBounded(t *testing.T) {
	b := newBed(t, func(b *bed) { b.StopTime = 50 * time.Millisecond })
	gw, err := b.group(t, "", b.key).Open(context.Background(), "popen")
	if err != nil {
		t.Fatal(err)
	}
	b.end()
	select {
	case err := <-b.ended:
		b.ended <- err
	case <-time.After(patience):
		t.Error("the server goes on as long as a gateway does")
	}
	<-gw.Done()
}
