// Package sshtest has ssh servers for tests: one in this process, which can
// fail in all the ways that servers do, and OpenSSH's.
package sshtest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Site is a server's address, with the keys and files that a client needs to
// log in there. The files are in a directory that goes away with the test.
type Site struct {
	Host string // an address of the loopback
	Port int
	User string

	HostKey crypto.PrivateKey
	UserKey crypto.PrivateKey // lets the user in

	Dir        string // of the following files
	Identity   string // the file of UserKey
	KnownHosts string // a file with the host key
	Config     string // an ssh_config file that says nothing but to leave the machine's files alone

	tb testing.TB
}

func newSite(tb testing.TB) *Site {
	tb.Helper()
	s := &Site{Host: "127.0.0.1", User: localUser(tb), HostKey: NewKey(tb), UserKey: NewKey(tb), Dir: tb.TempDir(), tb: tb}
	s.Identity = s.write("identity", pemOf(s.UserKey))
	s.KnownHosts = filepath.Join(s.Dir, "known_hosts")
	s.Config = s.write("ssh_config", "GlobalKnownHostsFile none\nIdentityAgent none\nIdentitiesOnly yes\n")
	return s
}

// Addr is the address with the port.
func (s *Site) Addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// Spec is a spec that opens the site, with further keys, each as key=value.
// A key of those stands in the place of the site's own.
func (s *Site) Spec(keys ...string) string {
	usual := []string{
		"port=" + strconv.Itoa(s.Port), "user=" + s.User, "identity=" + s.Identity,
		"known_hosts=" + s.KnownHosts, "ssh_config=" + s.Config,
	}
	spec := "ssh:" + s.Host
	for _, key := range usual {
		name, _, _ := strings.Cut(key, "=")
		if !hasKey(keys, name) {
			spec += "//" + key
		}
	}
	for _, key := range keys {
		if !strings.HasSuffix(key, "=") {
			spec += "//" + key
		}
	}
	return spec
}

func hasKey(keys []string, name string) bool {
	for _, key := range keys {
		if strings.HasPrefix(key, name+"=") {
			return true
		}
	}
	return false
}

// WriteFile writes a file of the site and returns its path.
func (s *Site) WriteFile(name, text string) string { return s.write(name, text) }

func (s *Site) write(name, text string) string {
	s.tb.Helper()
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.tb.Fatal(err)
	}
	return path
}

// KnownName is the name of the site in a file of known hosts.
func (s *Site) KnownName() string { return fmt.Sprintf("[%s]:%d", s.Host, s.Port) }

func (s *Site) writeKnownHosts() {
	s.write("known_hosts", s.KnownName()+" "+authorized(s.HostKey))
}

// NewKey makes an Ed25519 key.
func NewKey(tb testing.TB) crypto.PrivateKey {
	tb.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// pemOf is a private key as the text of a file.
func pemOf(key crypto.PrivateKey) string {
	block, err := ssh.MarshalPrivateKey(key, "test")
	if err != nil {
		panic("sshtest: internal error: " + err.Error())
	}
	return string(pem.EncodeToMemory(block))
}

// authorized is the public half of a key as a line, with its line break.
func authorized(key crypto.PrivateKey) string {
	return string(ssh.MarshalAuthorizedKey(Signer(key).PublicKey()))
}

// Signer makes a key sign.
func Signer(key crypto.PrivateKey) ssh.Signer {
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		panic("sshtest: internal error: " + err.Error())
	}
	return signer
}

// WriteKey writes the file of a private key and returns its path.
func (s *Site) WriteKey(name string, key crypto.PrivateKey) string { return s.write(name, pemOf(key)) }

// WriteLockedKey writes the file of a private key with a passphrase and returns
// its path.
func (s *Site) WriteLockedKey(name string, key crypto.PrivateKey, passphrase string) string {
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "test", []byte(passphrase))
	if err != nil {
		s.tb.Fatal(err)
	}
	return s.write(name, string(pem.EncodeToMemory(block)))
}

// AddConfig adds lines to the site's ssh_config file.
func (s *Site) AddConfig(lines ...string) {
	s.tb.Helper()
	text, err := os.ReadFile(s.Config)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.write("ssh_config", string(text)+strings.Join(lines, "\n")+"\n")
}
