package ssh_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

// hostConfig is what an ssh_config file says of a server, under a name.
func hostConfig(name string, s *sshtest.Site, more ...string) string {
	return fmt.Sprintf("Host %s\nHostName %s\nPort %d\nUser %s\nIdentityFile %s\nUserKnownHostsFile %s\n%s\n",
		name, s.Host, s.Port, s.User, s.Identity, s.KnownHosts, strings.Join(more, "\n"))
}

// chain makes a configuration in which inner is reached by middle and that by
// outer.
func chain(t *testing.T, outer, middle, inner *sshtest.Site) (config string) {
	return inner.WriteFile("chain", "GlobalKnownHostsFile none\nIdentityAgent none\n"+
		hostConfig("outer", outer)+hostConfig("middle", middle, "ProxyJump outer")+hostConfig("inner", inner, "ProxyJump middle"))
}

func TestProxyJump(t *testing.T) {
	outer, middle, inner := sshtest.StartSshd(t), sshtest.Start(t, sshtest.Options{}), sshtest.StartSshd(t)
	config := chain(t, outer.Site, middle.Site, inner.Site)
	succeeds(t, dialer(t), "ssh:inner//ssh_config="+config)
	list := inner.WriteFile("list", "GlobalKnownHostsFile none\n"+hostConfig("outer", outer.Site)+hostConfig("middle", middle.Site)+
		hostConfig("inner", inner.Site, "ProxyJump outer,"+middle.User+"@middle"))
	named := inner.WriteFile("named", "GlobalKnownHostsFile none\n"+hostConfig("by-inner", outer.Site)+hostConfig("inner", inner.Site, "ProxyJump %r@by-%n"))
	succeeds(t, dialer(t), "ssh:inner//ssh_config="+named)
	before := middle.Accepted.Load()
	succeeds(t, dialer(t), "ssh:inner//ssh_config="+list)
	if middle.Accepted.Load() != before+1 || !strings.Contains(outer.Log(), "direct-tcpip") && !strings.Contains(outer.Log(), "Accepted publickey") {
		t.Errorf("it did not go through all: %d by middle; log of outer: %s", middle.Accepted.Load(), outer.Log())
	}
}

// TestProxyJumpDown has the sentences for jump hosts that fail.
func TestProxyJumpDown(t *testing.T) {
	outer, middle, inner := sshtest.Start(t, sshtest.Options{}), sshtest.Start(t, sshtest.Options{}), sshtest.Start(t, sshtest.Options{})
	config := chain(t, outer.Site, middle.Site, inner.Site)
	check := func(stage luagw.Stage, want string) {
		t.Helper()
		_, err := output(t, dialer(t), "ssh:inner//ssh_config="+config, "true")
		wantStage(t, err, stage)
		got := sentence(inner.Site, err)
		for name, s := range map[string]*sshtest.Site{"OUTER": outer.Site, "MIDDLE": middle.Site} {
			got = strings.ReplaceAll(strings.ReplaceAll(got, portOf(s), name), s.Dir, name)
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	inner.Stop()
	check(luagw.StageDial, `dial: cannot connect to inner (127.0.0.1 port PORT) from middle: Connection refused`)
	middle.WriteFile("known_hosts", "")
	_, err := output(t, dialer(t), "ssh:inner//ssh_config="+config, "true")
	wantStage(t, err, luagw.StageHostKey)
	if key, ok := errors.AsType[*ssh.HostKeyError](err); !ok || !strings.Contains(err.Error(), "jump host middle: middle (127.0.0.1 port ") {
		t.Errorf("got %v (%v), want an unknown key of jump host middle", err, key)
	}
	middle.Stop()
	check(luagw.StageDial, `dial: jump host middle: cannot connect to middle (127.0.0.1 port MIDDLE) from outer: Connection refused`)
	outer.Stop()
	check(luagw.StageDial, `dial: jump host middle: jump host outer: cannot connect to outer (127.0.0.1 port OUTER): connection refused`)
}

// TestProxyJumpForbidden: the jump host's sshd forwards nothing.
func TestProxyJumpForbidden(t *testing.T) {
	outer, inner := sshtest.StartSshd(t, "AllowTcpForwarding no"), sshtest.Start(t, sshtest.Options{})
	config := inner.WriteFile("chain", "GlobalKnownHostsFile none\n"+hostConfig("outer", outer.Site)+hostConfig("inner", inner.Site, "ProxyJump outer"))
	_, err := output(t, dialer(t), "ssh:inner//ssh_config="+config, "true")
	wantSentence(t, inner.Site, err, `dial: cannot connect to inner (127.0.0.1 port PORT) from outer: it does not allow that (AllowTcpForwarding, PermitOpen)`)
}

func TestProxyJumpCircle(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	config := s.WriteFile("circle", hostConfig("a", s.Site, "ProxyJump b")+hostConfig("b", s.Site, "ProxyJump a"))
	_, err := output(t, dialer(t), "ssh:a//ssh_config="+config, "true")
	wantStage(t, err, luagw.StageResolve)
	if err == nil || !strings.Contains(err.Error(), "ProxyJump may lead round in a circle") {
		t.Errorf("got %v", err)
	}
}

// TestProxyCommand reaches a server by a command, which ends with it.
func TestProxyCommand(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skipf("no OpenSSH client here to serve as a ProxyCommand: %v", err)
	}
	outer, inner := sshtest.StartSshd(t), sshtest.Start(t, sshtest.Options{})
	config := inner.WriteFile("outer", "GlobalKnownHostsFile none\n"+hostConfig("outer", outer.Site))
	inner.AddConfig("ProxyCommand ssh -F " + config + " -W %h:%p outer")
	succeeds(t, dialer(t), inner.Spec())
	inner.Stop()
	_, err := output(t, dialer(t), inner.Spec(), "true")
	wantStage(t, err, luagw.StageDial)
	got := sentence(inner.Site, err)
	if want := `dial: cannot connect to 127.0.0.1 port PORT: ProxyCommand "ssh -F DIR/outer -W 127.0.0.1:PORT outer" has ended with status 255: `; !strings.HasPrefix(got, want) || !strings.Contains(got, "open failed: connect failed: Connection refused") {
		t.Errorf("got  %s\nwant %s... Connection refused", got, want)
	}
}

func TestProxyCommandFails(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	s.AddConfig("ProxyCommand sh -c 'echo no way >&2; exit 7'")
	t.Setenv("SHELL", "")
	_, err := output(t, dialer(t), s.Spec(), "true")
	wantSentence(t, s.Site, err, `dial: cannot connect to 127.0.0.1 port PORT: ProxyCommand "sh -c 'echo no way >&2; exit 7'" has ended with status 7: no way`)
	s = sshtest.Start(t, sshtest.Options{})
	s.AddConfig("ProxyCommand sleep 60")
	_, err = output(t, dialer(t), s.Spec("timeout=200ms"), "true")
	wantSentence(t, s.Site, err, `hostkey: 127.0.0.1 port PORT takes the connection and does not answer: no answer for 200ms`)
}

// program skips where there is no ssh, and returns the keys for it.
func program(t testing.TB) []string {
	t.Helper()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skipf("no OpenSSH client here: %v", err)
	}
	return []string{"ssh_program=ssh"}
}

func TestProgram(t *testing.T) {
	s := sshtest.StartSshd(t)
	spec := s.Spec(program(t)...)
	succeeds(t, dialer(t), spec)
	atHome := &ssh.Dialer{Home: s.Dir}
	for _, keys := range [][]string{nil, program(t)} {
		succeeds(t, atHome, s.Spec(append(keys, "ssh_config=~/ssh_config")...))
	}
	conn, err := run(t, dialer(t), spec, "echo why >&2; cat; exit 3", ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	conn.Write([]byte("x"))
	conn.(interface{ CloseWrite() error }).CloseWrite()
	buf := make([]byte, 8)
	if n, _ := conn.Read(buf); string(buf[:n]) != "x" {
		t.Errorf("got %q", buf[:n])
	}
	if got, want := exitOf(t, conn), (luagw.Exit{Code: 3, Stderr: "why\n"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestProgramFails: what the program says is in the sentence.
func TestProgramFails(t *testing.T) {
	s := sshtest.StartSshd(t)
	keys := program(t)
	path, _ := exec.LookPath("ssh")
	check := func(stage luagw.Stage, want string, keys ...string) {
		t.Helper()
		_, err := output(t, dialer(t), s.Spec(keys...), "true")
		wantStage(t, err, stage)
		got := strings.ReplaceAll(sentence(s.Site, err), path, "SSH")
		if !strings.HasPrefix(got, string(stage)+": SSH could not reach 127.0.0.1 or log in there (exit status 255): ") || !strings.Contains(got, want) {
			t.Errorf("got %s\nwant ...%s", got, want)
		}
	}
	check(luagw.StageAuth, "Permission denied (publickey)", append(keys, "identity="+s.WriteKey("other", sshtest.NewKey(t)))...)
	check(luagw.StageHostKey, "Host key verification failed", append(keys, "known_hosts="+s.Dir+"/none")...)
	check(luagw.StageDial, "Connection refused", append(keys, "port=1")...)
	_, err := output(t, dialer(t), s.Spec("ssh_program=no-such-ssh"), "true")
	wantStage(t, err, luagw.StageResolve)
	_, err = output(t, dialer(t), s.Spec("ssh_program=ssh", "hostkey=SHA256:AAAA"), "true")
	if _, ok := errors.AsType[*luagw.SpecError](err); !ok {
		t.Errorf("got %v, want a SpecError", err)
	}
}

// TestProgramControlMaster: a master that is left behind is used, and outlives
// the connections.
func TestProgramControlMaster(t *testing.T) {
	s := sshtest.StartSshd(t)
	keys := program(t)
	path := s.Dir + "/master"
	s.AddConfig("ControlMaster auto", "ControlPath "+path, "ControlPersist 30")
	defer exec.Command("ssh", "-O", "exit", "-o", "ControlPath="+path, "x").Run()
	for range 3 {
		succeeds(t, dialer(t), s.Spec(keys...))
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the master is gone: %v", err)
	}
	if n := strings.Count(s.Log(), "Accepted publickey"); n != 1 {
		t.Errorf("got %d logins, want one", n)
	}
}
