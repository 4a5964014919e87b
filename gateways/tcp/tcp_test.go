package tcp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/server"
	gossh "golang.org/x/crypto/ssh"
)

// TestMain makes this binary the agent, too: it says a word in the place of a
// hello, and ends.
func TestMain(m *testing.M) {
	if os.Getenv(agentVar) != "" {
		io.WriteString(os.Stdout, "agent\n")
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const agentVar = "LUAGWTEST_AGENT"

// bed is a server, and the home of a user who may log in.
type bed struct {
	home, addr string
	host       gossh.PublicKey
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{home: t.TempDir()}
	t.Setenv("HOME", b.home)
	t.Setenv("SSH_AUTH_SOCK", "")
	t.Setenv(agentVar, "1")
	keys := filepath.Join(b.home, ".ssh")
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := server.WriteKey(filepath.Join(keys, "id_ed25519"), "me"); err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(filepath.Join(keys, "id_ed25519.pub"))
	if err != nil {
		t.Fatal(err)
	}
	b.serve(t, string(public))
	return b
}

func (b *bed) serve(t *testing.T, public string) {
	key, _, err := server.HostKey(filepath.Join(b.home, "host_key"))
	if err != nil {
		t.Fatal(err)
	}
	b.host = key.PublicKey()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &server.Server{
		HostKeys: []gossh.Signer{key}, AuthorizedKeys: filepath.Join(b.home, "authorized_keys"),
		Agent: []string{self}, StopTime: time.Millisecond,
	}
	line := `luagw-user="` + userName(t) + `" ` + public
	if err := os.WriteFile(s.AuthorizedKeys, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func (b *bed) dialer() *Dialer {
	return &Dialer{SSH: &ssh.Dialer{Home: b.home, Notice: func(string) {}}}
}

func dial(d *Dialer, text string) (io.ReadWriteCloser, error) {
	spec, err := luagw.ParseSpec(text)
	if err != nil {
		return nil, err
	}
	return d.Dial(context.Background(), spec)
}

func TestDial(t *testing.T) {
	b := newBed(t)
	hashed := "//hostkey='" + gossh.FingerprintSHA256(b.host) + "'"
	conn, err := dial(b.dialer(), "tcp:"+b.addr+hashed)
	if err != nil {
		t.Fatal(err)
	}
	word := make([]byte, 6)
	if _, err := io.ReadFull(conn, word); err != nil || string(word) != "agent\n" {
		t.Errorf("got %q, %v; want what the agent says", word, err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if exit := conn.(luagw.Exiter).Exit(context.Background()); exit.Signal != "" || exit.Stderr != "" {
		t.Errorf("exit is %+v", exit)
	}
}

func TestKnownHosts(t *testing.T) {
	b := newBed(t)
	_, port, _ := net.SplitHostPort(b.addr)
	known := filepath.Join(b.home, ".ssh", "known_hosts")
	write := func(key gossh.PublicKey) {
		line := "[127.0.0.1]:" + port + " " + string(gossh.MarshalAuthorizedKey(key))
		if err := os.WriteFile(known, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := dial(b.dialer(), "tcp:"+b.addr); !isStage(err, luagw.StageHostKey) {
		t.Errorf("a host that is not known: got %v", err)
	}
	write(b.host)
	conn, err := dial(b.dialer(), "tcp:"+b.addr)
	if err != nil {
		t.Fatalf("a host that is known: %v", err)
	}
	conn.Close()
	other, _, err := server.HostKey(filepath.Join(b.home, "other_key"))
	if err != nil {
		t.Fatal(err)
	}
	write(other.PublicKey())
	if _, err := dial(b.dialer(), "tcp:"+b.addr); !isStage(err, luagw.StageHostKey) {
		t.Errorf("a host that has changed: got %v", err)
	}
}

func isStage(err error, stage luagw.Stage) bool {
	oe, ok := errors.AsType[*luagw.OpenError](err)
	return ok && oe.Stage == stage
}

func TestDialFails(t *testing.T) {
	b := newBed(t)
	hostkey := "//hostkey='" + gossh.FingerprintSHA256(b.host) + "'"
	if _, err := server.WriteKey(filepath.Join(b.home, "stranger"), ""); err != nil {
		t.Fatal(err)
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	for _, tt := range []struct {
		name, spec string
		stage      luagw.Stage
	}{
		{"wrong key", "tcp:" + b.addr + hostkey + "//identity=" + filepath.Join(b.home, "stranger"), luagw.StageAuth},
		{"another user", "tcp:" + b.addr + hostkey + "//user=somebody", luagw.StageAuth},
		{"nobody listens", "tcp:" + gone.Addr().String(), luagw.StageDial},
		{"no such host", "tcp:nosuchhost.invalid", luagw.StageResolve},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := dial(b.dialer(), tt.spec)
			if !isStage(err, tt.stage) {
				t.Errorf("got %v, want stage %s", err, tt.stage)
			}
			t.Log(err)
		})
	}
	_, err = dial(b.dialer(), "tcp:"+b.addr+":luagw-agent"+hostkey)
	if _, ok := errors.AsType[*luagw.SpecError](err); !ok || !strings.Contains(err.Error(), "chooses its agent itself") {
		t.Errorf("with a program: got %v", err)
	}
}

const token = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

func TestToken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	heard := make(chan string, 1)
	go func() { // ends with the test's connection
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		b := make([]byte, len(token)+1)
		io.ReadFull(conn, b)
		heard <- string(b)
	}()
	conn, err := dial(&Dialer{}, "tcp:"+l.Addr().String()+"//token="+token)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := <-heard; got != token+"\n" {
		t.Errorf("got %q, want the token", got)
	}
}

func TestTokenStaysHere(t *testing.T) {
	_, err := dial(&Dialer{}, "tcp:192.0.2.1:9//token="+token)
	if _, ok := errors.AsType[*luagw.SpecError](err); !ok || !strings.Contains(err.Error(), "tokens are for loopback addresses") {
		t.Errorf("got %v, want that it is not sent", err)
	}
}

// userName is the name of the user who runs the tests.
func userName(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}
