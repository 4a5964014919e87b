package server

import (
	"crypto/rand"
	"crypto/rsa"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// certify signs a certificate for a new key. Change may be nil.
func certify(t *testing.T, authority ssh.Signer, principals []string, change func(*ssh.Certificate)) ssh.Signer {
	t.Helper()
	key := newKey(t)
	cert := &ssh.Certificate{
		Key: key.PublicKey(), CertType: ssh.UserCert, KeyId: "alice", Serial: 7, ValidPrincipals: principals,
		ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	if change != nil {
		change(cert)
	}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func TestCertificates(t *testing.T) {
	authority, me := newKey(t), self(t)
	b := newBed(t, nil)
	for _, tt := range []struct {
		name    string
		options string
		signer  ssh.Signer
		want    string // in the audit; empty for a login
	}{
		{"names the user", "", certify(t, authority, []string{me}, nil), ""},
		{"names a principal of the line", `,principals="web,db"`, certify(t, authority, []string{"db"}, nil), ""},
		{"names the user where the line has principals", `,principals="web,db"`, certify(t, authority, []string{me}, nil), "the certificate is for"},
		{"names nobody", "", certify(t, authority, nil, nil), "the certificate is for []"},
		{"names another", "", certify(t, authority, []string{"other"}, nil), `the certificate is for [\"other\"]`},
		{"another authority", "", certify(t, newKey(t), []string{me}, nil), "no line has the key"},
		{"expired", "", certify(t, authority, []string{me}, func(c *ssh.Certificate) { c.ValidBefore = 1 }), "expired"},
		{"not yet", "", certify(t, authority, []string{me}, func(c *ssh.Certificate) {
			c.ValidAfter = c.ValidBefore - 1
		}), "not yet valid"},
		{"for a host", "", certify(t, authority, []string{me}, func(c *ssh.Certificate) { c.CertType = ssh.HostCert }), "not for a user"},
		{"with a command", "", certify(t, authority, []string{me}, func(c *ssh.Certificate) {
			c.CriticalOptions = map[string]string{"force-command": "id"}
		}), "unsupported critical option"},
		{"from here", "", certify(t, authority, []string{me}, func(c *ssh.Certificate) {
			c.CriticalOptions = map[string]string{"source-address": "127.0.0.0/8"}
		}), ""},
		{"from elsewhere", "", certify(t, authority, []string{me}, func(c *ssh.Certificate) {
			c.CriticalOptions = map[string]string{"source-address": "10.0.0.0/8"}
		}), "source-address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.authorize(t, keyLine(`cert-authority,luagw-user="`+me+`"`+tt.options, authority.PublicKey()))
			client, err := b.login("", tt.signer)
			if err == nil {
				client.Close()
			}
			if (err == nil) != (tt.want == "") {
				t.Fatalf("login: got %v", err)
			}
			eventually(t, "the reason", func() bool { return strings.Contains(b.audit(t), tt.want) })
		})
	}
}

// TestRefusalThatTellsMost has a client which shows a certificate that has expired,
// and then a key of which nothing is known, as clients do that have both.
func TestRefusalThatTellsMost(t *testing.T) {
	authority, me := newKey(t), self(t)
	b := newBed(t, nil)
	b.authorize(t, keyLine(`cert-authority,luagw-user="`+me+`"`, authority.PublicKey()))
	expired := certify(t, authority, []string{me}, func(c *ssh.Certificate) { c.ValidBefore = 1 })
	if client, err := b.login("", newKey(t), expired, newKey(t)); err == nil {
		client.Close()
		t.Fatal("it was let in")
	}
	eventually(t, "a refusal", func() bool { return b.audit(t) != "" })
	r := b.records(t)[0]
	if want := ssh.FingerprintSHA256(bareKey(expired.PublicKey())); r.Key != want || !strings.Contains(r.Error, "expired") {
		t.Errorf("got %+v, want that %s has expired", r, want)
	}
}

// TestAuthoritysHash has an RSA authority that signs by SHA-1, for which
// somebody can find two certificates with the same signature, and by SHA-512.
func TestAuthoritysHash(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, minRSABits)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	me := self(t)
	b := newBed(t, nil)
	b.authorize(t, keyLine(`cert-authority,luagw-user="`+me+`"`, key.PublicKey()))
	for _, tt := range []struct {
		algorithm string
		want      bool
	}{{ssh.KeyAlgoRSA, false}, {ssh.KeyAlgoRSASHA512, true}} {
		authority, err := ssh.NewSignerWithAlgorithms(key.(ssh.AlgorithmSigner), []string{tt.algorithm})
		if err != nil {
			t.Fatal(err)
		}
		client, err := b.login("", certify(t, authority, []string{me}, nil))
		if err == nil {
			client.Close()
		}
		if (err == nil) != tt.want {
			t.Errorf("%s: got %v, want a login: %v", tt.algorithm, err, tt.want)
		}
	}
	eventually(t, "the reason", func() bool { return strings.Contains(b.audit(t), "signed by SHA-1") })
}

func TestTrustedUserCA(t *testing.T) {
	authority, me := newKey(t), self(t)
	b := newBed(t, func(b *bed) {
		b.TrustedUserCA = filepath.Join(b.dir, "ca.pub")
		if err := os.WriteFile(b.TrustedUserCA, []byte(keyLine("", authority.PublicKey())), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	_, err := call(t, b.group(t, me, certify(t, authority, []string{me}, nil)), "return 1")
	if os.Geteuid() == 0 {
		if err == nil {
			t.Error("an authority spoke for root")
		}
		eventually(t, "the reason", func() bool { return strings.Contains(b.audit(t), "does not speak for root") })
		return
	}
	if err != nil {
		t.Error(err)
	}
}

// TestAuthoritiesTakeNoOptions: nobody would keep them.
func TestAuthoritiesTakeNoOptions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.pub")
	var lines strings.Builder
	for _, options := range []string{"", "cert-authority", `expiry-time="20400101"`, `from="10.0.0.0/8"`, `luagw-allow="net=none"`, `luagw-user="web"`, `cert-authority,principals="web"`} {
		lines.WriteString(keyLine(options, newKey(t).PublicKey()))
	}
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	said := &words{}
	s := &Server{TrustedUserCA: path, Log: log.New(said, "", 0)}
	srv, err := s.start()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := srv.authorities.keys()
	if err != nil || len(keys) != 2 {
		t.Errorf("got %d authorities, %v; want the first two", len(keys), err)
	}
	if n := strings.Count(said.String(), "refused: an authority here takes no options"); n != 5 {
		t.Errorf("%d lines were refused, want 5: %s", n, said)
	}
}
