package ssh_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

// masterBed is a server to which a master of the system's client may stand.
type masterBed struct {
	*sshtest.Sshd
	config string
}

// newMasterBed writes a configuration in which the host is web and the socket is
// DIR/HASH. lines are of sshd's.
func newMasterBed(t *testing.T, path string, lines ...string) *masterBed {
	t.Helper()
	program(t)
	s := sshtest.StartSshd(t, lines...)
	config := "GlobalKnownHostsFile none\nIdentityAgent none\nIdentitiesOnly yes\n" + hostConfig("web", s.Site, "ControlPath "+s.Dir+"/"+path)
	return &masterBed{s, s.WriteFile("config", config)}
}

// startMaster starts one, until the end of the test.
func (b *masterBed) startMaster(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("ssh", "-F", b.config, "-M", "-N", "-f", "web").CombinedOutput(); err != nil {
		t.Fatalf("start a master: %v: %s", err, out)
	}
	t.Cleanup(func() { b.stopMaster() })
}

func (b *masterBed) stopMaster() { exec.Command("ssh", "-F", b.config, "-O", "exit", "web").Run() }

func (b *masterBed) spec(keys ...string) string {
	return "ssh:" + strings.Join(append([]string{"web", "ssh_config=" + b.config}, keys...), "//")
}

// logins counts those that were, the master's among them.
func (b *masterBed) logins() int { return strings.Count(b.Log(), "Accepted publickey") }

func (b *masterBed) wantLogins(t *testing.T, want int) {
	t.Helper()
	if got := b.logins(); got != want {
		t.Errorf("got %d logins, want %d", got, want)
	}
}

func TestMaster(t *testing.T) {
	t.Parallel()
	b := newMasterBed(t, "%C")
	b.startMaster(t)
	for _, spec := range []string{b.spec(), b.spec("timeout=5s"), b.spec("ssh_program=ssh")} {
		succeeds(t, dialer(t), spec)
	}
	b.wantLogins(t, 1)

	conn, err := run(t, dialer(t), b.spec(), "echo why >&2; cat; exit 3", ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("0123456789abcdef", 64<<10) // 1 MiB
	go func() {
		io.WriteString(conn, text)
		conn.(interface{ CloseWrite() error }).CloseWrite()
	}()
	if got, err := io.ReadAll(conn); err != nil || string(got) != text {
		t.Errorf("got %d bytes, %v; want %d as they were", len(got), err, len(text))
	}
	if got, want := exitOf(t, conn), (luagw.Exit{Code: 3, Stderr: "why\n"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	b.wantLogins(t, 1)
}

// TestMasterSubsystem runs a subsystem over a master.
func TestMasterSubsystem(t *testing.T) {
	b := newMasterBed(t, "m", "Subsystem greet /bin/echo hello")
	b.startMaster(t)
	c, err := dialer(t).Connect(inTime(t), parse(t, b.spec()))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.Subsystem(inTime(t), "greet", ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got, err := io.ReadAll(conn); err != nil || string(got) != "hello\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestMasterNotUsed: there is one, and something speaks against it.
func TestMasterNotUsed(t *testing.T) {
	t.Parallel()
	b := newMasterBed(t, "m")
	b.startMaster(t)
	other := func(replace ...string) string {
		text, err := os.ReadFile(b.config)
		if err != nil {
			t.Fatal(err)
		}
		return "ssh:web//ssh_config=" + b.WriteFile("other", strings.NewReplacer(replace...).Replace(string(text)))
	}
	for _, tt := range []struct{ name, spec string }{
		{"identity", b.spec("identity=" + b.Identity)},
		{"known_hosts", b.spec("known_hosts=" + b.KnownHosts)},
		{"hostkey", b.spec("hostkey=yes")},
		{"ControlPath none", other("ControlPath ", "ControlPath none #")},
		{"ControlMaster yes", other("ControlPath ", "ControlMaster yes\nControlPath ")},
		{"another path", other("/m", "/n")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := b.logins()
			succeeds(t, dialer(t), tt.spec)
			b.wantLogins(t, before+1)
		})
	}
	d := dialer(t)
	d.NetDial = new(net.Dialer).DialContext
	before := b.logins()
	succeeds(t, d, b.spec())
	b.wantLogins(t, before+1)
}

// TestMasterGone: its socket is there, and nobody listens.
func TestMasterGone(t *testing.T) {
	b := newMasterBed(t, "m")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: b.Dir + "/m", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	succeeds(t, dialer(t), b.spec())
}

// noticing is a Dialer that keeps what it has to tell.
func noticing(t *testing.T) (d *ssh.Dialer, notices func() string) {
	var told []string
	d = dialer(t)
	d.Notice = func(text string) { told = append(told, text) }
	return d, func() string { return strings.Join(told, "; ") }
}

// TestMasterRefuses: the server allows the master no more sessions. A connection of
// our own is made, and the user told.
func TestMasterRefuses(t *testing.T) {
	t.Parallel()
	b := newMasterBed(t, "m", "MaxSessions 1")
	b.startMaster(t)
	held, err := run(t, dialer(t), b.spec(), "cat", ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := "the ControlMaster at " + b.Dir + `/m: it refuses: "Session open refused by peer"; connecting to web without it`
	for _, spec := range []string{b.spec(), b.spec("ssh_program=ssh")} {
		d, notices := noticing(t)
		succeeds(t, d, spec)
		if got := notices(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	held.Close()
}

// TestMasterSilent: who listens at the socket says nothing.
func TestMasterSilent(t *testing.T) {
	t.Parallel()
	b := newMasterBed(t, "m")
	l, err := net.Listen("unix", b.Dir+"/m")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d, notices := noticing(t)
	succeeds(t, d, b.spec("timeout=1s"))
	want := "the ControlMaster at " + b.Dir + "/m: no answer for 1s; connecting to web without it"
	if got := notices(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestMasterDies while a command runs.
func TestMasterDies(t *testing.T) {
	b := newMasterBed(t, "m")
	b.startMaster(t)
	conn, err := run(t, dialer(t), b.spec(), "echo up; cat", ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	b.stopMaster()
	_, err = conn.Read(make([]byte, 1))
	want := fmt.Sprintf("the connection to web (127.0.0.1 port %d) is lost: the ControlMaster at %s/m: it has ended", b.Port, b.Dir)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestMasterClose: the command ends with the connection, also one that has much to
// say, and the master stays.
func TestMasterClose(t *testing.T) {
	if testing.Short() {
		t.Skip("short: waits for a command that does not end by itself")
	}
	b := newMasterBed(t, "m")
	b.startMaster(t)
	for _, command := range []string{"cat", "exec yes"} {
		conn, err := run(t, dialer(t), b.spec(), "echo $$; exec 2>&-; "+command, ssh.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var pid int
		if _, err := fmt.Fscanln(conn, &pid); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%s: Close took %v", command, took)
		}
		awaitGone(t, pid)
	}
	succeeds(t, dialer(t), b.spec())
	b.wantLogins(t, 1)
}

// awaitGone waits for the end of a process.
func awaitGone(t *testing.T, pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for exec.Command("kill", "-0", fmt.Sprint(pid)).Run() == nil {
		select {
		case <-ctx.Done():
			t.Errorf("process %d is still there", pid)
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestControlPath has the socket where OpenSSH has it.
func TestControlPath(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"hash": "%C", "most": "%L-%n-%r@%h:%p-%u-%i", "others": "%k-%l"} {
		t.Run(name, func(t *testing.T) {
			b := newMasterBed(t, path)
			b.startMaster(t)
			succeeds(t, dialer(t), b.spec())
			b.wantLogins(t, 1)
		})
	}
}

// TestMasterOfJumpHost: a jump host to which a master stands is not logged in to.
func TestMasterOfJumpHost(t *testing.T) {
	b := newMasterBed(t, "m")
	b.startMaster(t)
	inner := sshtest.Start(t, sshtest.Options{})
	text, err := os.ReadFile(b.config)
	if err != nil {
		t.Fatal(err)
	}
	spec := "ssh:inner//ssh_config=" + b.WriteFile("both", string(text)+hostConfig("inner", inner.Site, "ProxyJump web"))
	for range 2 {
		succeeds(t, dialer(t), spec)
	}
	b.wantLogins(t, 1)
	inner.Stop()
	_, err = output(t, dialer(t), spec, "true")
	wantStage(t, err, luagw.StageDial)
	want := fmt.Sprintf(`dial: cannot connect to inner (127.0.0.1 port PORT) from web: the ControlMaster at %s/m: it refuses: "Session open refused by peer"`, b.Dir)
	wantSentence(t, inner.Site, err, want)
	b.stopMaster()
	inner = sshtest.Start(t, sshtest.Options{})
	spec = "ssh:inner//ssh_config=" + b.WriteFile("both", string(text)+hostConfig("inner", inner.Site, "ProxyJump web"))
	succeeds(t, dialer(t), spec)
	b.wantLogins(t, 2)
}
