package ssh_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

// otherKeys are host keys of the types that are not shown first.
func otherKeys(t testing.TB) (ec, rs gossh.Signer) {
	t.Helper()
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return sshtest.Signer(ecKey), sshtest.Signer(rsaKey)
}

// pin is the key of a spec by which a host key is pinned.
func pin(key gossh.PublicKey) string { return "hostkey='" + gossh.FingerprintSHA256(key) + "'" }

// TestPinnedType: the key that is pinned is found whichever of the server's it
// is, by one connection for each that is shown before it, and at once by a Dialer
// that has met it.
func TestPinnedType(t *testing.T) {
	ec, rs := otherKeys(t)
	s := sshtest.Start(t, sshtest.Options{Keys: []gossh.Signer{ec, rs}})
	for _, test := range []struct {
		name  string
		key   gossh.PublicKey
		conns int32
	}{
		{"ed25519", sshtest.Signer(s.HostKey).PublicKey(), 1},
		{"ecdsa", ec.PublicKey(), 2},
		{"rsa", rs.PublicKey(), 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := dialer(t)
			for _, conns := range []int32{test.conns, 1} {
				before := s.Accepted.Load()
				succeeds(t, d, s.Spec(pin(test.key)))
				if n := s.Accepted.Load() - before; n != conns {
					t.Errorf("got %d connections, want %d", n, conns)
				}
			}
		})
	}
}

// TestPinnedTypeKnown: a file of known hosts has the pinned key among others, and
// its type is asked for first.
func TestPinnedTypeKnown(t *testing.T) {
	ec, rs := otherKeys(t)
	s := sshtest.Start(t, sshtest.Options{Keys: []gossh.Signer{ec, rs}})
	known := ""
	for _, key := range []gossh.PublicKey{sshtest.Signer(s.HostKey).PublicKey(), ec.PublicKey(), rs.PublicKey()} {
		known += s.KnownName() + " " + string(gossh.MarshalAuthorizedKey(key))
	}
	s.WriteFile("known_hosts", known)
	succeeds(t, dialer(t), s.Spec(pin(rs.PublicKey())))
	if n := s.Accepted.Load(); n != 1 {
		t.Errorf("got %d connections, want 1", n)
	}
}

// TestPinnedNone: none of the server's keys is the one that is pinned.
func TestPinnedNone(t *testing.T) {
	ec, rs := otherKeys(t)
	const rest = `, but hostkey= wants SHA256:AAAA: the host was set up anew, or somebody is in between`
	s := sshtest.Start(t, sshtest.Options{Keys: []gossh.Signer{ec, rs}})
	shows := "hostkey: 127.0.0.1 port PORT shows the ED25519 key " + fingerprint(s.Site)
	ecdsaKey := "the ECDSA key " + gossh.FingerprintSHA256(ec.PublicKey())
	rsaKey := "the RSA key " + gossh.FingerprintSHA256(rs.PublicKey())
	for _, test := range []struct {
		name, config, want string
		conns              int32
	}{
		{"all types", "", shows + ", " + ecdsaKey + " and " + rsaKey + rest, 4},
		{"two types", "HostKeyAlgorithms ssh-ed25519,rsa-sha2-512,rsa-sha2-256", shows + " and " + rsaKey + rest, 2},
		{"one type", "HostKeyAlgorithms ssh-ed25519", shows + rest, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := s.Accepted.Load()
			config := s.WriteFile("config", "GlobalKnownHostsFile none\nIdentityAgent none\n"+test.config+"\n")
			_, err := output(t, dialer(t), s.Spec("hostkey=SHA256:AAAA", "ssh_config="+config), "true")
			wantStage(t, err, luagw.StageHostKey)
			wantSentence(t, s.Site, err, test.want)
			if n := s.Accepted.Load() - before; n != test.conns {
				t.Errorf("got %d connections, want %d", n, test.conns)
			}
			if key, ok := errors.AsType[*ssh.HostKeyError](err); !ok || key.Problem != ssh.HostKeyChanged || key.Fingerprint != fingerprint(s.Site) {
				t.Errorf("got %+v, want a changed key, and the first that was shown", key)
			}
		})
	}
}

// TestPinnedThenAuth: once the pinned key was found, what fails is told as it is.
func TestPinnedThenAuth(t *testing.T) {
	ec, _ := otherKeys(t)
	s := sshtest.Start(t, sshtest.Options{Keys: []gossh.Signer{ec}})
	stranger := s.WriteKey("stranger", sshtest.NewKey(t))
	_, err := output(t, dialer(t), s.Spec(pin(ec.PublicKey()), "identity="+stranger), "true")
	wantStage(t, err, luagw.StageAuth)
	if err == nil || strings.Contains(err.Error(), "hostkey= wants") {
		t.Errorf("got %v, want no word of the host key", err)
	}
}

// TestPinnedGone: the server does not answer any more when it is asked for its
// other keys.
func TestPinnedGone(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	d := dialer(t)
	var once sync.Once
	d.NetDial = func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
		err = errors.New("the line is cut")
		once.Do(func() { conn, err = new(net.Dialer).DialContext(ctx, network, addr) })
		return conn, err
	}
	_, err := output(t, d, s.Spec("hostkey=SHA256:AAAA"), "true")
	wantStage(t, err, luagw.StageDial)
	wantSentence(t, s.Site, err, "dial: cannot connect to 127.0.0.1 port PORT: the line is cut; before, it has shown the ED25519 key "+
		fingerprint(s.Site)+", but hostkey= wants SHA256:AAAA")
	if key, ok := errors.AsType[*ssh.HostKeyError](err); !ok || key.Problem != ssh.HostKeyChanged {
		t.Errorf("got %+v, want a changed key as well", key)
	}
}

// TestPinnedTime: however many keys there are, they have the time of one stage.
func TestPinnedTime(t *testing.T) {
	ec, rs := otherKeys(t)
	s := sshtest.Start(t, sshtest.Options{Keys: []gossh.Signer{ec, rs}}) // outside of the bubble, whose time would wait for it
	synctest.Test(t, func(t *testing.T) {
		d := dialer(t)
		d.NetDial = dialSlow
		began := time.Now()
		_, err := output(t, d, s.Spec(pin(rs.PublicKey())), "true")
		wantStage(t, err, luagw.StageHostKey)
		wantSentence(t, s.Site, err, "hostkey: 127.0.0.1 port PORT takes the connection and does not answer: no answer for 10s; before, it has shown the ED25519 key "+
			fingerprint(s.Site)+" and the ECDSA key "+gossh.FingerprintSHA256(ec.PublicKey())+", but hostkey= wants "+gossh.FingerprintSHA256(rs.PublicKey()))
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %v, want 10s", took)
		}
	})
}

// slowConn is a connection from which nothing comes for four seconds.
type slowConn struct {
	net.Conn
	ready   <-chan time.Time
	waiting sync.Once
	closing sync.Once
	closed  chan struct{} // by Close
}

func dialSlow(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	return &slowConn{Conn: conn, ready: time.After(4 * time.Second), closed: make(chan struct{})}, err
}

func (c *slowConn) Read(p []byte) (int, error) {
	c.waiting.Do(func() {
		select {
		case <-c.ready:
		case <-c.closed:
		}
	})
	return c.Conn.Read(p)
}

func (c *slowConn) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
