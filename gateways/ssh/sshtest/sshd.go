package sshtest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"sync"
	"testing"
	"time"
)

// Sshd is OpenSSH's sshd, which lets the user of the test in.
type Sshd struct {
	*Site
	place Place
	log   lockedBuffer
}

// Place is where a server runs. The zero value is a port of the loopback.
type Place struct {
	Addr    string                                      // to listen at
	Command func(name string, args ...string) *exec.Cmd // starts programs there
}

// sshdPath is where the program is looked for: it wants to be called by its
// whole path.
const sshdPath = "/usr/sbin/sshd"

// StartSshd starts sshd, with further lines of its configuration, until the end
// of the test. Where there is none the test is skipped.
func StartSshd(tb testing.TB, lines ...string) *Sshd {
	tb.Helper()
	return StartSshdAt(tb, Place{}, lines...)
}

// StartSshdAt does what StartSshd does, at another place.
func StartSshdAt(tb testing.TB, place Place, lines ...string) *Sshd {
	tb.Helper()
	if _, err := os.Stat(sshdPath); err != nil {
		tb.Skipf("no OpenSSH server here: %v", err)
	}
	s := &Sshd{Site: newSite(tb), place: place}
	if place.Addr != "" {
		s.Host = place.Addr
	}
	if place.Command == nil {
		s.place.Command = exec.Command
	}
	if os.Getuid() == 0 { // where it puts the part of it that nobody trusts yet
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			tb.Skipf("sshd cannot be started: %v", err)
		}
	}
	for range 5 { // somebody else may take the port in between
		if s.start(tb, lines) {
			return s
		}
	}
	tb.Fatalf("sshd does not start: %s", s.Log())
	return nil
}

// Log is what sshd has written so far.
func (s *Sshd) Log() string { return s.log.String() }

// start starts sshd at a free port, and says whether it listens there.
func (s *Sshd) start(tb testing.TB, lines []string) bool {
	s.Port = freePort(tb)
	config := s.write("sshd_config", strings.Join(append(lines, s.config()...), "\n")+"\n")
	command := s.place.Command(sshdPath, "-D", "-e", "-f", config)
	command.Stderr = &s.log
	command.WaitDelay = time.Second
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	stop := func() {
		command.Process.Kill()
		command.Wait()
	}
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if conn, err := net.Dial("tcp", s.Addr()); err == nil {
			conn.Close()
			tb.Cleanup(stop)
			s.writeKnownHosts()
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	return false
}

func (s *Sshd) config() []string {
	return []string{
		"ListenAddress " + s.Host, fmt.Sprintf("Port %d", s.Port), "HostKey " + s.write("host", pemOf(s.HostKey)),
		"PidFile none", "AuthorizedKeysFile " + s.write("authorized_keys", authorized(s.UserKey)),
		"StrictModes no", "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
		"PermitRootLogin yes", "AllowTcpForwarding yes", "LogLevel VERBOSE", "UseDNS no",
	}
}

func freePort(tb testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// lockedBuffer is a buffer for a process's output.
type lockedBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func localUser(tb testing.TB) string {
	u, err := user.Current()
	if err != nil {
		tb.Fatal(err)
	}
	return u.Username
}
