package ssh_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

// answers answers questions in their order and notes what was asked.
type answers struct {
	mu    sync.Mutex // guards the following
	left  []string
	asked []string
}

func (a *answers) ask(_ context.Context, q ssh.Question) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	secret := ""
	if q.Secret {
		secret = " (secret)"
	}
	a.asked = append(a.asked, q.Prompt+secret)
	if len(a.left) == 0 {
		return "", errors.New("interrupted")
	}
	answer := a.left[0]
	a.left = a.left[1:]
	return answer, nil
}

func TestPassphrase(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	path := s.WriteLockedKey("locked", s.UserKey, "sesame")
	user := &answers{left: []string{"wrong", "sesame"}}
	d := dialer(t)
	d.Ask = user.ask
	succeeds(t, d, s.Spec("identity="+path))
	succeeds(t, d, s.Spec("identity="+path)) // it is remembered
	want := fmt.Sprintf("[passphrase of %[1]s (secret) that was not it; passphrase of %[1]s (secret)]", path)
	if got := fmt.Sprint(user.asked); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

// TestPassphraseDeclined: the user does not know it, and another key does.
func TestPassphraseDeclined(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	locked := s.WriteLockedKey("locked", s.UserKey, "sesame")
	d := dialer(t)
	d.Ask = (&answers{}).ask
	_, err := output(t, d, s.Spec("identity="+locked), "true")
	wantSentence(t, s.Site, err, `auth: 127.0.0.1 port PORT does not let "USER" in; tried DIR/locked (ED25519 `+
		gossh.FingerprintSHA256(sshtest.Signer(s.UserKey).PublicKey())+`), but DIR/locked did not sign: its passphrase: interrupted; it accepts publickey`)
	s.AddConfig("IdentityFile " + s.Identity)
	_, err = output(t, d, s.Spec("identity="+locked), "true")
	if err == nil {
		t.Error("the same key in two files was offered twice")
	}
}

// TestPassphraseTime: the time in which the user types is not the server's.
func TestPassphraseTime(t *testing.T) {
	t.Parallel()
	s := sshtest.Start(t, sshtest.Options{})
	path := s.WriteLockedKey("locked", s.UserKey, "sesame")
	d := dialer(t)
	d.Ask = func(ctx context.Context, _ ssh.Question) (string, error) {
		time.Sleep(1200 * time.Millisecond)
		return "sesame", nil
	}
	succeeds(t, d, s.Spec("identity="+path, "timeout=1s"))
}

func withPassword(password string) func(*gossh.ServerConfig) {
	return func(c *gossh.ServerConfig) {
		c.PublicKeyCallback = nil
		c.PasswordCallback = func(_ gossh.ConnMetadata, given []byte) (*gossh.Permissions, error) {
			if string(given) != password {
				return nil, errors.New("wrong")
			}
			return nil, nil
		}
	}
}

func TestPassword(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{Config: withPassword("sesame")})
	user := &answers{left: []string{"wrong", "sesame"}}
	d := dialer(t)
	d.Ask = user.ask
	succeeds(t, d, s.Spec())
	want := fmt.Sprintf("[password of %[1]s on 127.0.0.1 (secret) that was not it; password of %[1]s on 127.0.0.1 (secret)]", s.User)
	if got := fmt.Sprint(user.asked); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	d.Ask = (&answers{left: []string{"a", "b", "c", "sesame"}}).ask
	_, err := output(t, d, s.Spec(), "true")
	wantSentence(t, s.Site, err, `auth: 127.0.0.1 port PORT does not let "USER" in; tried password 3 times; it accepts password`)
	_, err = output(t, dialer(t), s.Spec(), "true")
	wantSentence(t, s.Site, err, `auth: 127.0.0.1 port PORT does not let "USER" in; password was not tried: there is no terminal to ask at; it accepts password`)
}

func TestKeyboardInteractive(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{Config: func(c *gossh.ServerConfig) {
		c.PublicKeyCallback = nil
		c.KeyboardInteractiveCallback = func(_ gossh.ConnMetadata, challenge gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
			got, err := challenge("Token", "Look at\x1b[2J it.", []string{"Password: ", "Code: "}, []bool{false, true})
			if err != nil || fmt.Sprint(got) != "[sesame 123]" {
				return nil, errors.New("wrong")
			}
			return nil, nil
		}
	}})
	user := &answers{left: []string{"sesame", "123"}}
	d := dialer(t)
	d.Ask = user.ask
	succeeds(t, d, s.Spec())
	want := fmt.Sprintf("[Token\nLook at[2J it.\n127.0.0.1 asks %[1]s: Password: (secret) 127.0.0.1 asks %[1]s: Code:]", s.User)
	if got := fmt.Sprint(user.asked); got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
}

// TestTwoFactors: the server wants a key and then a password.
func TestTwoFactors(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{Config: func(c *gossh.ServerConfig) {
		key := c.PublicKeyCallback
		c.PublicKeyCallback = func(meta gossh.ConnMetadata, offered gossh.PublicKey) (*gossh.Permissions, error) {
			if _, err := key(meta, offered); err != nil {
				return nil, err
			}
			next := &gossh.ServerConfig{}
			withPassword("sesame")(next)
			return nil, &gossh.PartialSuccessError{Next: gossh.ServerAuthCallbacks{PasswordCallback: next.PasswordCallback}}
		}
	}})
	d := dialer(t)
	d.Ask = (&answers{left: []string{"sesame"}}).ask
	succeeds(t, d, s.Spec())
}

// TestNoSecretsForAnybody: where host keys are not checked, no password goes out.
func TestNoSecretsForAnybody(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{Config: withPassword("sesame")})
	s.WriteFile("known_hosts", s.KnownName()+" "+string(gossh.MarshalAuthorizedKey(sshtest.Signer(sshtest.NewKey(t)).PublicKey())))
	s.AddConfig("StrictHostKeyChecking no")
	user := &answers{left: []string{"sesame"}}
	var told []string
	d := &ssh.Dialer{Ask: user.ask, Notice: func(text string) { told = append(told, text) }}
	if _, err := output(t, d, s.Spec(), "true"); err == nil || len(user.asked) > 0 {
		t.Errorf("got %v, and asked %q; want an error and no question", err, user.asked)
	}
	if len(told) != 1 || !strings.Contains(told[0], "it is taken because StrictHostKeyChecking is off") {
		t.Errorf("told %q, want that the key has changed", told)
	}
}

// TestPasswordForNewHost: the key of a host of which none is known is taken where
// the configuration says so, and then a password goes there, as with accept-new.
func TestPasswordForNewHost(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{Config: withPassword("sesame")})
	s.AddConfig("StrictHostKeyChecking no")
	d := dialer(t)
	d.Ask = (&answers{left: []string{"sesame"}}).ask
	succeeds(t, d, s.Spec("known_hosts=/dev/null"))
}

// TestKeyOpenToOthers: a private key that others may read is not used, as by ssh,
// but the agent may have it.
func TestKeyOpenToOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes there")
	}
	s := sshtest.Start(t, sshtest.Options{})
	locked := s.WriteLockedKey("locked", s.UserKey, "sesame")
	for _, path := range []string{s.Identity, locked} {
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		_, err := output(t, dialer(t), s.Spec("identity="+path), "true")
		wantSentence(t, s.Site, err, `auth: 127.0.0.1 port PORT does not let "USER" in; tried DIR/`+filepath.Base(path)+
			`: its mode 0640 opens it to others, so it is not used; chmod 600 closes it; it accepts publickey`)
	}
	config := s.WriteFile("agent_config", "IdentitiesOnly yes\nIdentityAgent "+startAgent(t, s.UserKey)+"\nGlobalKnownHostsFile none\n")
	succeeds(t, dialer(t), s.Spec("identity="+locked, "ssh_config="+config))
}

// TestBatchMode: nothing is asked, also no passphrase.
func TestBatchMode(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	s.AddConfig("BatchMode yes")
	user := &answers{left: []string{"sesame"}}
	d := dialer(t)
	d.Ask = user.ask
	_, err := output(t, d, s.Spec("identity="+s.WriteLockedKey("locked", s.UserKey, "sesame")), "true")
	wantSentence(t, s.Site, err, `auth: 127.0.0.1 port PORT does not let "USER" in; tried DIR/locked: it needs its passphrase, and BatchMode forbids to ask; it accepts publickey`)
	if len(user.asked) > 0 {
		t.Errorf("asked %q", user.asked)
	}
}

// startAgent starts an ssh-agent with keys and returns its socket.
func startAgent(t *testing.T, keys ...crypto.PrivateKey) string {
	t.Helper()
	ring := agent.NewKeyring()
	for i, key := range keys {
		if err := ring.Add(agent.AddedKey{PrivateKey: key, Comment: fmt.Sprintf("key %d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	return serveAgent(t, func(conn net.Conn) { agent.ServeAgent(ring, conn) })
}

// serveAgent serves each connection to a socket until the end of the test.
func serveAgent(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var routines sync.WaitGroup
	routines.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			routines.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		routines.Wait()
	})
	return path
}

func TestAgent(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	other := sshtest.NewKey(t)
	config := s.WriteFile("agent_config", "IdentityAgent "+startAgent(t, other, s.UserKey)+"\nGlobalKnownHostsFile none\n")
	d := dialer(t)
	succeeds(t, d, s.Spec("identity=", "ssh_config="+config))

	// IdentitiesOnly leaves alone what was not asked for by name, and a public
	// key names one of the agent's.
	only := s.WriteFile("only_config", "IdentitiesOnly yes\nIdentityAgent "+startAgent(t, other, s.UserKey)+"\nGlobalKnownHostsFile none\n")
	_, err := output(t, d, s.Spec("identity="+s.WriteKey("third", sshtest.NewKey(t)), "ssh_config="+only), "true")
	if err == nil || strings.Contains(err.Error(), "of the agent") {
		t.Errorf("got %v, want an error without keys of the agent", err)
	}
	public := s.WriteFile("id.pub", string(gossh.MarshalAuthorizedKey(sshtest.Signer(s.UserKey).PublicKey())))
	succeeds(t, d, s.Spec("identity="+public, "ssh_config="+only))
}

// TestAddKeysToAgent: a key whose passphrase was asked for goes to the agent, which
// has it the next time.
func TestAddKeysToAgent(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	locked := s.WriteLockedKey("locked", s.UserKey, "sesame")
	for _, test := range []struct {
		words    string
		want     bool
		confirm  bool
		lifetime uint32
	}{
		{"yes", true, false, 0},
		{"confirm 1h30m", true, true, 5400},
		{"no", false, false, 0},
	} {
		t.Run(test.words, func(t *testing.T) {
			ring := &notingAgent{Agent: agent.NewKeyring()}
			socket := serveAgent(t, func(conn net.Conn) { agent.ServeAgent(ring, conn) })
			config := s.WriteFile("agent_config", "AddKeysToAgent "+test.words+"\nIdentitiesOnly yes\nIdentityAgent "+socket+"\nGlobalKnownHostsFile none\n")
			d := dialer(t)
			d.Ask = (&answers{left: []string{"sesame"}}).ask
			succeeds(t, d, s.Spec("identity="+locked, "ssh_config="+config))
			if (len(ring.added) == 1) != test.want {
				t.Fatalf("%d keys were added, want that to be %v", len(ring.added), test.want)
			}
			if !test.want {
				return
			}
			if got := ring.added[0]; got.ConfirmBeforeUse != test.confirm || got.LifetimeSecs != test.lifetime || got.Comment != locked {
				t.Errorf("got %+v", got)
			}
			succeeds(t, dialer(t), s.Spec("identity="+locked, "ssh_config="+config))
		})
	}
}

// notingAgent notes which keys it was given.
type notingAgent struct {
	agent.Agent
	added []agent.AddedKey
}

func (a *notingAgent) Add(key agent.AddedKey) error {
	a.added = append(a.added, key)
	key.ConfirmBeforeUse = false // the ring cannot ask
	return a.Agent.Add(key)
}

// TestAgentPublicHalf: only the public half of what IdentityFile names is there, or
// what is there cannot be used, and the agent has the key.
func TestAgentPublicHalf(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	public := string(gossh.MarshalAuthorizedKey(sshtest.Signer(s.UserKey).PublicKey()))
	only := s.WriteFile("only_config", "IdentitiesOnly yes\nIdentityAgent "+startAgent(t, s.UserKey)+"\nGlobalKnownHostsFile none\n")
	s.WriteFile("half.pub", public)
	succeeds(t, dialer(t), s.Spec("identity="+s.Dir+"/half", "ssh_config="+only))
	s.WriteFile("rubbish.pub", public)
	succeeds(t, dialer(t), s.Spec("identity="+s.WriteFile("rubbish", "of a kind that nobody knows"), "ssh_config="+only))
	_, err := output(t, dialer(t), s.Spec("identity="+s.Dir+"/rubbish"), "true")
	wantSentence(t, s.Site, err, `auth: 127.0.0.1 port PORT does not let "USER" in; tried DIR/rubbish: no key found; it accepts publickey`)
	_, err = output(t, dialer(t), s.Spec("identity="+s.Dir+"/half"), "true")
	wantSentence(t, s.Site, err, `auth: 127.0.0.1 port PORT does not let "USER" in; tried DIR/half.pub: it is a public key, and the agent does not have the private one; it accepts publickey`)
}

// TestAgentAsksUser: an agent may ask its user before it signs, for a touch or a
// fingerprint, and that time is not the server's.
func TestAgentAsksUser(t *testing.T) {
	t.Parallel()
	s := sshtest.Start(t, sshtest.Options{})
	ring := &askingAgent{Agent: agent.NewKeyring(), answered: make(chan struct{})}
	if err := ring.Add(agent.AddedKey{PrivateKey: s.UserKey}); err != nil {
		t.Fatal(err)
	}
	socket := serveAgent(t, func(conn net.Conn) { agent.ServeAgent(ring, conn) })
	config := s.WriteFile("agent_config", "IdentityAgent "+socket+"\nGlobalKnownHostsFile none\n")
	time.AfterFunc(1200*time.Millisecond, func() { close(ring.answered) })
	succeeds(t, dialer(t), s.Spec("identity=", "ssh_config="+config, "timeout=1s"))
}

// askingAgent signs when its user has answered.
type askingAgent struct {
	agent.Agent
	answered chan struct{}
}

func (a *askingAgent) Sign(key gossh.PublicKey, data []byte) (*gossh.Signature, error) {
	<-a.answered
	return a.Agent.Sign(key, data)
}

// TestAgentStuck: an agent that does not answer is not waited for for ever.
func TestAgentStuck(t *testing.T) {
	t.Parallel()
	s := sshtest.Start(t, sshtest.Options{})
	stuck := serveAgent(t, func(conn net.Conn) { conn.Read(make([]byte, 100)); conn.Read(make([]byte, 100)) })
	config := s.WriteFile("agent_config", "IdentityAgent "+stuck+"\nGlobalKnownHostsFile none\n")
	_, err := output(t, dialer(t), s.Spec("identity=", "ssh_config="+config, "timeout=1s"), "true")
	wantSentence(t, s.Site, err, `auth: 127.0.0.1 port PORT: no answer for 1s`)
}

func TestAgentGone(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	config := s.WriteFile("agent_config", "IdentityAgent "+filepath.Join(s.Dir, "gone")+"\nGlobalKnownHostsFile none\n")
	succeeds(t, dialer(t), s.Spec("ssh_config="+config))
	_, err := output(t, dialer(t), s.Spec("identity=", "ssh_config="+config), "true")
	wantSentence(t, s.Site, err, `auth: 127.0.0.1 port PORT does not let "USER" in; tried ssh-agent: dial unix DIR/gone: connect: no such file or directory; it accepts publickey`)
}

func TestUserCertificate(t *testing.T) {
	authority := sshtest.Signer(sshtest.NewKey(t))
	s := sshtest.Start(t, sshtest.Options{Config: func(c *gossh.ServerConfig) {
		checker := &gossh.CertChecker{
			IsUserAuthority: func(key gossh.PublicKey) bool { return bytes.Equal(key.Marshal(), authority.PublicKey().Marshal()) },
		}
		c.PublicKeyCallback = checker.Authenticate
	}})
	cert := certify(t, authority, s.UserKey, gossh.UserCert, s.User)
	s.WriteFile("identity-cert.pub", string(gossh.MarshalAuthorizedKey(cert)))
	succeeds(t, dialer(t), s.Spec())
	plain, _ := os.ReadFile(s.Config)
	for list, want := range map[string]bool{"ssh-ed25519-cert-v01@openssh.com": true, "-*cert*": false, "ssh-ed25519": false} {
		s.WriteFile("ssh_config", string(plain))
		s.AddConfig("PubkeyAcceptedAlgorithms " + list)
		if _, err := output(t, dialer(t), s.Spec(), "true"); (err == nil) != want {
			t.Errorf("with %s: got %v, want that to be %v", list, err, want)
		}
	}
}

// TestCertificateExpired: the sentence says of a certificate that its time is over.
func TestCertificateExpired(t *testing.T) {
	s := sshtest.StartSshd(t)
	authority, other := sshtest.Signer(sshtest.NewKey(t)), sshtest.NewKey(t)
	path := s.WriteKey("other", other)
	cert := certify(t, authority, other, gossh.UserCert, s.User)
	now := time.Now()
	for _, test := range []struct {
		after, before time.Time
		want          string
	}{
		{now.Add(-time.Hour), now.Add(time.Hour), `DIR/other-cert.pub (ED25519 `},
		{now.Add(-time.Hour), now.Add(-time.Minute), `DIR/other-cert.pub, which has expired on ` + now.Add(-time.Minute).Format(time.DateTime) + ` (ED25519 `},
		{now.Add(time.Minute), now.Add(time.Hour), `DIR/other-cert.pub, which is valid from ` + now.Add(time.Minute).Format(time.DateTime) + ` on (ED25519 `},
	} {
		cert.ValidAfter, cert.ValidBefore = uint64(test.after.Unix()), uint64(test.before.Unix())
		if err := cert.SignCert(rand.Reader, authority); err != nil {
			t.Fatal(err)
		}
		s.WriteFile("other-cert.pub", string(gossh.MarshalAuthorizedKey(cert)))
		_, err := output(t, dialer(t), s.Spec("identity="+path), "true")
		wantStage(t, err, luagw.StageAuth)
		if got := sentence(s.Site, err); !strings.Contains(got, test.want) {
			t.Errorf("got  %s\nwant ...%s", got, test.want)
		}
		ring := agent.NewKeyring()
		if err := ring.Add(agent.AddedKey{PrivateKey: other, Certificate: cert, Comment: "short"}); err != nil {
			t.Fatal(err)
		}
		socket := serveAgent(t, func(conn net.Conn) { agent.ServeAgent(ring, conn) })
		s.WriteFile("agent_config", "GlobalKnownHostsFile none\nIdentityAgent "+socket+"\n")
		_, err = output(t, dialer(t), s.Spec("identity=", "ssh_config="+s.Dir+"/agent_config"), "true")
		want := strings.Replace(test.want, "DIR/other-cert.pub", `"short" of the agent`, 1) + gossh.FingerprintSHA256(cert.Key)
		if got := sentence(s.Site, err); !strings.Contains(got, want) {
			t.Errorf("got  %s\nwant ...%s", got, want)
		}
	}
}

// TestAgentCertificate: the key of a certificate is in the agent, and the
// certificate in a file or in the agent, too.
func TestAgentCertificate(t *testing.T) {
	authority := sshtest.NewKey(t)
	ca := filepath.Join(t.TempDir(), "ca")
	if err := os.WriteFile(ca, gossh.MarshalAuthorizedKey(sshtest.Signer(authority).PublicKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	s := sshtest.StartSshd(t, "TrustedUserCAKeys "+ca)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.PrivateKey{sshtest.NewKey(t), rsaKey} {
		cert := certify(t, sshtest.Signer(authority), key, gossh.UserCert, s.User)
		file := s.WriteFile("cert", string(gossh.MarshalAuthorizedKey(cert)))
		s.WriteFile("ssh_config", "GlobalKnownHostsFile none\nIdentityAgent "+startAgent(t, key)+"\nCertificateFile "+file+"\n")
		succeeds(t, dialer(t), s.Spec("identity="))

		ring := agent.NewKeyring()
		if err := ring.Add(agent.AddedKey{PrivateKey: key, Certificate: cert}); err != nil {
			t.Fatal(err)
		}
		socket := serveAgent(t, func(conn net.Conn) { agent.ServeAgent(ring, conn) })
		s.WriteFile("ssh_config", "GlobalKnownHostsFile none\nIdentityAgent "+socket+"\n")
		succeeds(t, dialer(t), s.Spec("identity="))
	}
}

func certify(t *testing.T, authority gossh.Signer, key crypto.PrivateKey, kind uint32, names ...string) *gossh.Certificate {
	t.Helper()
	cert := &gossh.Certificate{
		Key: sshtest.Signer(key).PublicKey(), CertType: kind, ValidPrincipals: names, ValidBefore: gossh.CertTimeInfinity,
	}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestKeyTypes: all types log in to a real server, without SHA-1.
func TestKeyTypes(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := sshtest.StartSshd(t)
	s.UserKey = key
	s.WriteFile("authorized_keys", string(gossh.MarshalAuthorizedKey(sshtest.Signer(key).PublicKey())))
	succeeds(t, dialer(t), s.Spec("identity="+s.WriteKey("rsa", key)))
	s.AddConfig("PubkeyAcceptedAlgorithms ssh-ed25519")
	_, err = output(t, dialer(t), s.Spec("identity="+s.WriteKey("rsa", key)), "true")
	wantStage(t, err, luagw.StageAuth)
	if got, want := sentence(s.Site, err), "DIR/rsa was not tried: keys of the type ssh-rsa are not used"; !strings.Contains(got, want) {
		t.Errorf("got %s, want ...%s", got, want)
	}
}
