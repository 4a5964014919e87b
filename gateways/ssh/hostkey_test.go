package ssh_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

// TestAcceptNew: the key is taken and written down once, also when many come at
// the same time, and checked from then on.
func TestAcceptNew(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	for _, file := range []string{"new/known_hosts", "ends_without_line_break"} {
		path := s.Dir + "/" + file
		if file == "ends_without_line_break" {
			s.WriteFile(file, "# first line")
		}
		d := dialer(t)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { succeeds(t, d, s.Spec("known_hosts="+path, "hostkey=accept-new")) })
		}
		all.Wait()
		text, err := os.ReadFile(path)
		if n := strings.Count(string(text), "ssh-ed25519"); n != 1 || err != nil {
			t.Errorf("%s: got %d lines with the key, %v, want one; it is %q", file, n, err, text)
		}
		succeeds(t, d, s.Spec("known_hosts="+path))
	}
}

func TestHashKnownHosts(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	path := s.WriteFile("hashed", "")
	s.AddConfig("HashKnownHosts yes")
	succeeds(t, dialer(t), s.Spec("known_hosts="+path, "hostkey=accept-new"))
	text, _ := os.ReadFile(path)
	if !strings.HasPrefix(string(text), "|1|") {
		t.Errorf("got %q, want a hashed name", text)
	}
	succeeds(t, dialer(t), s.Spec("known_hosts="+path))
}

// TestPinnedHostKey: a fingerprint may have // in it, and is quoted for that.
func TestPinnedHostKey(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	succeeds(t, dialer(t), s.Spec("hostkey='"+fingerprint(s.Site)+"'", "known_hosts="+s.Dir+"/none"))
	_, err := output(t, dialer(t), s.Spec("hostkey=SHA256:AAAA"), "true")
	wantSentence(t, s.Site, err, `hostkey: 127.0.0.1 port PORT shows the ED25519 key `+fingerprint(s.Site)+
		`, but hostkey= wants SHA256:AAAA: the host was set up anew, or somebody is in between`)
	spec := parse(t, s.Spec())
	spec.Params["hostkey"] = "whatever"
	_, err = dialer(t).Connect(inTime(t), spec)
	if want := `hostkey: "whatever" is not accept-new, yes or a fingerprint SHA256:...`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestKnownTypeFirst: a server has keys of several types and shows the one that
// is known.
func TestKnownTypeFirst(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := sshtest.Signer(key)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := sshtest.Start(t, sshtest.Options{Keys: []gossh.Signer{signer, sshtest.Signer(rsaKey)}})
	plain, _ := os.ReadFile(s.Config)
	for _, lines := range []string{"", "HostKeyAlgorithms +ssh-rsa", "HostKeyAlgorithms -rsa-sha2-256"} {
		s.WriteFile("ssh_config", string(plain))
		s.AddConfig(lines)
		for _, known := range []gossh.PublicKey{sshtest.Signer(s.HostKey).PublicKey(), signer.PublicKey(), sshtest.Signer(rsaKey).PublicKey()} {
			s.WriteFile("known_hosts", s.KnownName()+" "+string(gossh.MarshalAuthorizedKey(known)))
			if out, err := output(t, dialer(t), s.Spec(), "echo fine"); out != "fine\n" {
				t.Errorf("with %q, and %s known: %v", lines, known.Type(), err)
			}
		}
	}
}

// TestDefaultsOfSystem: where OpenSSH is asked what the configuration says, its
// defaults are no wishes of the user's.
func TestDefaultsOfSystem(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skipf("no OpenSSH client here to ask: %v", err)
	}
	_, rs := otherKeys(t)
	s := sshtest.Start(t, sshtest.Options{Keys: []gossh.Signer{rs}})
	s.WriteFile("known_hosts", s.KnownName()+" "+string(gossh.MarshalAuthorizedKey(rs.PublicKey())))
	s.AddConfig("CanonicalizeHostname always", `IdentityFile "`+s.WriteKey("with a space", s.UserKey)+`"`)
	succeeds(t, dialer(t), s.Spec("identity="))
	got, err := dialer(t).Resolved(inTime(t), parse(t, s.Spec("identity=")))
	if err != nil {
		t.Fatal(err)
	}
	for _, keyword := range []string{"ciphers", "hostkeyalgorithms", "kexalgorithms", "serveraliveinterval", "forwardagent", "numberofpasswordprompts"} {
		if got[keyword] != nil {
			t.Errorf("%s: got %q, want nothing", keyword, got[keyword])
		}
	}
}

// TestOldServer: one that signs by SHA-1 only shows its RSA key if that is known.
func TestOldServer(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	old, err := gossh.NewSignerWithAlgorithms(sshtest.Signer(key).(gossh.AlgorithmSigner), []string{gossh.KeyAlgoRSA})
	if err != nil {
		t.Fatal(err)
	}
	s := sshtest.Start(t, sshtest.Options{Keys: []gossh.Signer{old}})
	s.AddConfig("HostKeyAlgorithms +ssh-rsa")
	s.WriteFile("known_hosts", s.KnownName()+" "+string(gossh.MarshalAuthorizedKey(old.PublicKey())))
	succeeds(t, dialer(t), s.Spec())
}

func TestHostCertificate(t *testing.T) {
	authority := sshtest.Signer(sshtest.NewKey(t))
	key := sshtest.NewKey(t)
	for _, test := range []struct {
		name, principal, want string
	}{
		{"named", "127.0.0.1", ""},
		{"pattern", "127.*", ""},
		{"for all hosts", "", ""},
		{"another", "other.example.com", `hostkey: 127.0.0.1 port PORT shows the ED25519 key ` + gossh.FingerprintSHA256(sshtest.Signer(key).PublicKey()) +
			` with a certificate that is not valid for it: it is for ["other.example.com"]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			signer, err := gossh.NewCertSigner(certify(t, authority, key, gossh.HostCert, strings.Fields(test.principal)...), sshtest.Signer(key))
			if err != nil {
				t.Fatal(err)
			}
			s := sshtest.Start(t, sshtest.Options{HostKey: signer})
			s.WriteFile("known_hosts", "@cert-authority * "+string(gossh.MarshalAuthorizedKey(authority.PublicKey())))
			_, err = output(t, dialer(t), s.Spec(), "true")
			if test.want != "" {
				wantSentence(t, s.Site, err, test.want)
			} else if err != nil {
				t.Error(err)
			}
			s.WriteFile("known_hosts", "@revoked * "+string(gossh.MarshalAuthorizedKey(authority.PublicKey()))+
				"@cert-authority * "+string(gossh.MarshalAuthorizedKey(authority.PublicKey())))
			_, err = output(t, dialer(t), s.Spec(), "true")
			wantStage(t, err, luagw.StageHostKey)
			if err == nil || !strings.HasSuffix(err.Error(), "says is revoked") {
				t.Errorf("got %v, want that the authority is revoked", err)
			}
		})
	}
}

// TestHostCertificateBySHA1: OpenSSH has not taken such a signature since 8.2.
func TestHostCertificateBySHA1(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	old, err := gossh.NewSignerWithAlgorithms(sshtest.Signer(private).(gossh.AlgorithmSigner), []string{gossh.KeyAlgoRSA})
	if err != nil {
		t.Fatal(err)
	}
	key := sshtest.NewKey(t)
	signer, err := gossh.NewCertSigner(certify(t, old, key, gossh.HostCert, "127.0.0.1"), sshtest.Signer(key))
	if err != nil {
		t.Fatal(err)
	}
	s := sshtest.Start(t, sshtest.Options{HostKey: signer})
	s.WriteFile("known_hosts", "@cert-authority * "+string(gossh.MarshalAuthorizedKey(old.PublicKey())))
	_, err = output(t, dialer(t), s.Spec(), "true")
	wantSentence(t, s.Site, err, `hostkey: 127.0.0.1 port PORT shows the ED25519 key `+gossh.FingerprintSHA256(sshtest.Signer(key).PublicKey())+
		` with a certificate that is not valid for it: it is signed by SHA-1, which is not safe`)
}

// TestHostKeyAlias: the name under which the key is known is another one.
func TestHostKeyAlias(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	line, _ := os.ReadFile(s.KnownHosts)
	s.WriteFile("known_hosts", strings.Replace(string(line), s.KnownName(), "web1", 1))
	s.AddConfig("HostKeyAlias WEB1")
	succeeds(t, dialer(t), s.Spec())
}

// TestKnownWithoutPort: what is known of a host without a port is good for one
// with a port, and another key there says nothing against it.
func TestKnownWithoutPort(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	line, _ := os.ReadFile(s.KnownHosts)
	s.WriteFile("known_hosts", strings.Replace(string(line), s.KnownName(), "127.0.0.1", 1))
	succeeds(t, dialer(t), s.Spec())
	other := string(gossh.MarshalAuthorizedKey(sshtest.Signer(sshtest.NewKey(t)).PublicKey()))
	s.WriteFile("known_hosts", "127.0.0.1 "+other)
	_, err := output(t, dialer(t), s.Spec(), "true")
	if got := sentence(s.Site, err); !strings.Contains(got, "which is not known") {
		t.Errorf("got %s, want that it is not known", got)
	}
}

// TestHostKeyError: a caller can tell what is wrong.
func TestHostKeyError(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	_, err := output(t, dialer(t), s.Spec("known_hosts="+s.Dir+"/none"), "true")
	open, ok := err.(*luagw.OpenError)
	if !ok {
		t.Fatalf("got %T", err)
	}
	key, ok := open.Err.(interface{ Unwrap() error })
	if !ok {
		t.Fatalf("got %T", open.Err)
	}
	want := fmt.Sprintf("%s %s", ssh.HostKeyUnknown, fingerprint(s.Site))
	if e := key.Unwrap().(*ssh.HostKeyError); fmt.Sprintf("%s %s", e.Problem, e.Fingerprint) != want {
		t.Errorf("got %+v, want %s", e, want)
	}
}
