//go:build unix

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/peer"
	"golang.org/x/crypto/ssh"
)

// copySelf puts this binary where every user can run it.
func copySelf(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "luagw-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "agent")
	if err := os.Link(self, program); err != nil {
		data, err := os.ReadFile(self)
		if err == nil {
			err = os.WriteFile(program, data, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	chmod(t, dir, 0o755)
	chmod(t, program, 0o755)
	return program
}

// asNobody makes the server's agents start from where another user may.
func asNobody(t *testing.T) *user.User {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root can start an agent as another user")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skipf("needs a user to be: %v", err)
	}
	return nobody
}

// TestOtherUser starts an agent as the user whom the key names.
func TestOtherUser(t *testing.T) {
	nobody := asNobody(t)
	program := copySelf(t)
	b := newBed(t, func(b *bed) { b.Agent = []string{"/usr/bin/env", "LUAGW_SERVE=stdio", program} })
	t.Setenv("SECRET", "of root")
	key := newKey(t)
	b.authorize(t, keyLine(`luagw-user="nobody"`, key.PublicKey()))
	got, err := call(t, b.group(t, "nobody", key), `
		local id = process.run{"id", "-u"}.stdout .. process.run{"id", "-G"}.stdout
		local names = {}
		for _, name in ipairs{"HOME", "USER", "LOGNAME", "SHELL", "SECRET"} do names[name] = os.getenv(name) end
		return id, names, fs.cwd(), fs.read("/etc/shadow")`)
	if err != nil {
		t.Fatal(err)
	}
	if want := nobody.Uid + "\n" + nobody.Gid + "\n"; got[0] != want {
		t.Errorf("uid and groups are %q, want %q: nothing of root's", got[0], want)
	}
	names := got[1].(map[string]any)
	if names["HOME"] != nobody.HomeDir || names["USER"] != "nobody" || names["LOGNAME"] != "nobody" || names["SHELL"] == "" || names["SECRET"] != nil {
		t.Errorf("the environment is %v", names)
	}
	if got[2] != "/" { // nobody has no home
		t.Errorf("it starts in %v, want /", got[2])
	}
	if got[3] != nil {
		t.Error("nobody can read /etc/shadow")
	}
}

func TestProgramOutOfReach(t *testing.T) {
	asNobody(t)
	dir := t.TempDir()
	chmod(t, dir, 0o700) // root's alone
	program := filepath.Join(dir, "agent")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := newBed(t, func(b *bed) { b.Agent = []string{program} })
	b.authorize(t, keyLine(`luagw-user="nobody"`, b.key.PublicKey()))
	_, err := call(t, b.group(t, "", b.key), "return 1")
	if want := fmt.Sprintf("as user %q: start %q: permission denied", "nobody", program); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// TestHomeOutOfReach has a user who cannot enter the home that is theirs.
func TestHomeOutOfReach(t *testing.T) {
	nobody := asNobody(t)
	uid, _ := strconv.Atoi(nobody.Uid)
	home := t.TempDir()
	chmod(t, home, 0o700) // root's alone
	srv, err := (&Server{Agent: []string{"/bin/sh", "-c", "pwd; echo $HOME"}}).start()
	if err != nil {
		t.Fatal(err)
	}
	owner := &account{name: "nobody", uid: uid, gid: uid, groups: []int{uid}, home: home, shell: defaultShell}
	agent, err := srv.startAgent(&session{server: srv, login: &login{account: owner}})
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	if got, err := io.ReadAll(agent); string(got) != "/\n"+home+"\n" {
		t.Errorf("folder and home are %q, %v; want / and %s", got, err, home)
	}
}

// dialSocket is a group whose gateways are at the Unix socket.
func (b *bed) dialSocket(t *testing.T) *luagw.Group {
	g := &luagw.Group{Dial: func(context.Context, *luagw.Spec) (io.ReadWriteCloser, error) {
		return net.Dial("unix", filepath.Join(b.dir, "socket"))
	}}
	t.Cleanup(func() { g.Close() })
	return g
}

func TestUnixSocket(t *testing.T) {
	b := newBed(t, nil)
	got, err := call(t, b.dialSocket(t), "return 6 * 7")
	if err != nil || got[0] != int64(42) {
		t.Fatalf("got %v, %v; want 42", got, err)
	}
	want := fmt.Sprintf(`"from":"uid %d pid %d"`, os.Getuid(), os.Getpid())
	eventually(t, "a close in the audit", func() bool { return strings.Contains(b.audit(t), `"event":"close"`) })
	if !strings.Contains(b.audit(t), want) {
		t.Errorf("the audit is %s, want %s", b.audit(t), want)
	}
}

// TestUnixSocketOfOthers connects as nobody to a server that is root, which
// gives it an agent that is nobody, too.
func TestUnixSocketOfOthers(t *testing.T) {
	nobody := asNobody(t)
	program := copySelf(t)
	b := newBed(t, func(b *bed) {
		b.Agent = []string{"/usr/bin/env", "LUAGW_SERVE=stdio", program}
		for dir := b.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			chmod(t, dir, 0o755)
		}
	})
	out, err := asUser(nobody, program, "TestAsOtherUser", filepath.Join(b.dir, "socket")).CombinedOutput()
	if want := "[" + nobody.Uid + "\n]\n"; string(out) != want || err != nil {
		t.Errorf("got %q, %v; want %q", out, err, want)
	}
}

// asUser runs a test in another process, as another user, and tells it something.
func asUser(u *user.User, program, test, told string) *exec.Cmd {
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	cmd := exec.Command(program, "-test.run=^"+test+"$", "-test.v=false")
	cmd.Env = []string{toldVar + "=" + told, "PATH=" + os.Getenv("PATH")}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return cmd
}

const toldVar = "LUAGW_TEST_TOLD"

// TestAsOtherUser is the other process of TestUnixSocketOfOthers.
func TestAsOtherUser(t *testing.T) {
	socket := os.Getenv(toldVar)
	if socket == "" {
		t.Skip("is a part of TestUnixSocketOfOthers")
	}
	g := &luagw.Group{Dial: func(context.Context, *luagw.Spec) (io.ReadWriteCloser, error) { return net.Dial("unix", socket) }}
	defer g.Close()
	got, err := call(t, g, `return process.run{"id", "-u"}.stdout`)
	if err != nil {
		got = []any{err.Error()}
	}
	fmt.Println(got)
	g.Close()
	os.Exit(0) // without the words of the test
}

// TestServerWithoutName is a server whose user is in no file, as in a container
// with a number for a user.
func TestServerWithoutName(t *testing.T) {
	asNobody(t)
	const number = "54321"
	out, err := asUser(&user.User{Uid: number, Gid: number}, copySelf(t), "TestAsNameless", "yes").CombinedOutput()
	if want := number + " " + number + "\n"; string(out) != want || err != nil {
		t.Errorf("got %q, %v; want %q", out, err, want)
	}
}

// TestAsNameless is the other process of TestServerWithoutName.
func TestAsNameless(t *testing.T) {
	if os.Getenv(toldVar) == "" {
		t.Skip("is a part of TestServerWithoutName")
	}
	own, err := ownAccount()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(own.name, own.uid)
	os.Exit(0) // without the words of the test
}

func TestUnixSocketRefusesOthers(t *testing.T) {
	nobody := asNobody(t)
	uid, _ := strconv.Atoi(nobody.Uid)
	s := &server{own: &account{name: "deploy", uid: uid}}
	for _, tt := range []struct {
		name string
		uid  int
		want bool
	}{{"its own user", uid, true}, {"root", 0, true}, {"another", uid - 1, false}} {
		l, err := s.admit(&session{ctx: context.Background()}, peerOf(tt.uid))
		if (err == nil) != tt.want || err == nil && l.account.uid != uid {
			t.Errorf("%s: got %v, %v", tt.name, l, err)
		}
	}
}

func TestListenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ListenUnix(path); err == nil || !strings.Contains(err.Error(), "another server listens there") {
		t.Errorf("beside another: got %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as when it is killed
	l.Close()
	if l, err = ListenUnix(path); err != nil {
		t.Fatalf("in the place of one that is gone: %v", err)
	}
	l.Close()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ListenUnix(path); err == nil || !strings.Contains(err.Error(), "something else is there") {
		t.Errorf("in the place of a file: got %v", err)
	}
}

func TestHostKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "key")
	const racers = 10
	prints := make(chan string, racers)
	var wg sync.WaitGroup
	var made sync.Map
	for i := range racers {
		wg.Go(func() {
			key, isNew, err := HostKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			if isNew {
				made.Store(i, true)
			}
			prints <- ssh.FingerprintSHA256(key.PublicKey())
		})
	}
	wg.Wait()
	close(prints)
	first := <-prints
	for print := range prints {
		if print != first {
			t.Errorf("got key %s, another got %s", print, first)
		}
	}
	count := 0
	made.Range(func(any, any) bool { count++; return true })
	if count != 1 {
		t.Errorf("%d were told that they have made it, want 1", count)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v; want mode 0600", info.Mode(), err)
	}
	public, err := os.ReadFile(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if key, comment, _, _, err := ssh.ParseAuthorizedKey(public); err != nil || ssh.FingerprintSHA256(key) != first || comment != "luagw serve" {
		t.Errorf("the public half is %q, %v", public, err)
	}
	chmod(t, path, 0o640)
	if _, _, err := HostKey(path); err == nil || !strings.Contains(err.Error(), "has mode 0640") {
		t.Errorf("a key that others can read: got %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestRefusedAtASocket: there is no key to be told of, and who came is told once.
func TestRefusedAtASocket(t *testing.T) {
	said := &words{}
	s := &session{server: &server{Server: &Server{Log: log.New(said, "", 0)}}, transport: "unix", from: "uid 7 pid 8"}
	s.refuse(errors.New("no"))
	if want := "not let in: uid 7 pid 8: no\n"; said.String() != want {
		t.Errorf("the log is %q, want %q", said, want)
	}
	s.server.Audit = &Audit{Path: filepath.Join(t.TempDir(), "audit")}
	s.refuse(errFull)
	line, err := os.ReadFile(s.server.Audit.Path)
	if !strings.Contains(string(line), `"from":"uid 7 pid 8","error":`) {
		t.Errorf("the audit is %q, %v; want from where, and no key", line, err)
	}
}

// TestAgentsLastWordsAreOneLine: they are a user's, and the log is the
// administrator's.
func TestAgentsLastWordsAreOneLine(t *testing.T) {
	b := newBed(t, func(b *bed) {
		b.Agent = []string{"/bin/sh", "-c", `printf 'fault\nluagw: listening on forged\033[31m' >&2; exit 1`}
	})
	if _, err := call(t, b.dialSocket(t), "return 1"); err == nil {
		t.Error("a shell was taken for an agent")
	}
	eventually(t, "what the agent wrote", func() bool { return strings.Contains(b.said.String(), "\n") })
	if said := b.said.String(); strings.Count(said, "\n") != 1 || strings.Contains(said, "\033") || !strings.Contains(said, `wrote: "fault\nluagw:`) {
		t.Errorf("the log is %q, want one line without control characters", said)
	}
}

func peerOf(uid int) peer.Peer { return peer.Peer{UID: uid} }
