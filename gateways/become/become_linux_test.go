package become

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/child"
)

const (
	rightPassword = "right horse"
	rightHash     = "$6$luagwtest$ZGQmm3VlcZR6o5E6tD1gHGy1yYtRLZ9kbKeiVO9wL2b6pnhLDeoVN5spNRLG2r5uEqJg.ELLiF0Xdjwg4VuRF1"
)

// system is a place with users and rules of its own: this machine, in a mount
// namespace where some files of /etc are others. The one who becomes another is
// ann, and the others are bob and root.
type system struct {
	dir  string
	etc  map[string]string // files over those in /etc
	user string            // who becomes another: ann if empty

	terminals bool // there are some
}

// needs skips where the programs are missing or nothing can be mounted.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not root: cannot make users that nobody else sees")
	}
	for _, program := range append([]string{"unshare", "setpriv", "mount"}, programs...) {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not there", program)
		}
	}
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("no mount namespaces: %v %s", err, out)
	}
}

func newSystem(t *testing.T) *system {
	t.Helper()
	s := &system{dir: t.TempDir(), etc: map[string]string{}}
	if err := os.Chmod(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.etc["passwd"] = "root:x:0:0::/root:/bin/sh\nann:x:54321:54321::/tmp:/bin/sh\nbob:x:54322:54322::/tmp:/usr/sbin/nologin\n"
	s.etc["shadow"] = fmt.Sprintf("root:%[1]s:19000:0:99999:7:::\nann:%[1]s:19000:0:99999:7:::\nbob:%[1]s:19000:0:99999:7:::\n", rightHash)
	s.etc["group"] = "root:x:0:\nann:x:54321:\nbob:x:54322:\n"
	return s
}

// command is what runs line in the system as its user.
func (s *system) command(t *testing.T, line string) []string {
	var script strings.Builder
	script.WriteString("set -e\n")
	for name, text := range s.etc {
		path := filepath.Join(s.dir, name)
		mode := os.FileMode(0o644)
		if name == "shadow" || name == "sudoers" {
			mode = 0o440
		}
		os.Remove(path)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Error(err)
		}
		os.Chmod(path, mode)
		fmt.Fprintf(&script, "[ -e /etc/%s ] || { mount -t tmpfs none /mnt; cp -a /etc/. /mnt/; mount --move /mnt /etc; : >/etc/%[1]s; }\n", name)
		fmt.Fprintf(&script, "mount --bind %s /etc/%s\n", path, name)
	}
	id := map[string]string{"": "54321", "root": "0"}[s.user]
	fmt.Fprintf(&script, "cd /\nexport HOME=/tmp\nexec setpriv --reuid=%s --regid=%[1]s --clear-groups sh -c %s\n", id, quote(line))
	return []string{"unshare", "-m", "sh", "-c", script.String()}
}

// run is the system's RunFunc. Its terminals are those of script(1), if it has any.
func (s *system) run(t *testing.T) RunFunc {
	return func(ctx context.Context, line string, opts Options) (io.ReadWriteCloser, error) {
		if opts.PTY && !s.terminals {
			return nil, ErrNoTerminal
		}
		if opts.PTY {
			line = "exec script -qec " + quote("stty raw -echo; "+line) + " /dev/null"
		}
		words := s.command(t, line)
		path, err := child.Lookup(words[0])
		if err != nil {
			return nil, err
		}
		process, err := child.Start(&child.Command{Path: path, Args: words, Session: true, Stderr: opts.Stderr, Env: []string{"LC_ALL=C"}})
		if err != nil {
			return nil, err
		}
		return &started{process}, nil
	}
}

type started struct{ *child.Process }

func (s *started) Exit(ctx context.Context) luagw.Exit { return luagw.Exit(s.Process.Exit(ctx)) }

func known(password string) PasswordFunc {
	return func(context.Context, *luagw.Spec) (string, error) { return password, nil }
}

// echo is a command line which says who runs it, and then sends back what comes.
const echo = `exec sh -c 'id -un; exec cat'`

var sudoers = map[string]string{
	"free":     "ann ALL=(ALL) NOPASSWD: ALL\nDefaults !lecture\n",
	"password": "ann ALL=(ALL) ALL\nDefaults !lecture\n",
	"tty":      "ann ALL=(ALL) NOPASSWD: ALL\nDefaults requiretty\n",
	"bob only": "ann ALL=(bob) NOPASSWD: ALL\n",
	"nobody":   "Defaults !lecture\n",
	"lecture":  "ann ALL=(ALL) ALL\nDefaults lecture=always, badpass_message=\"Falsch. Nochmal.\"\n",
}

func TestBecome(t *testing.T) {
	for _, tt := range []struct {
		name, program, become, method string
		etc                           map[string]string
		password                      PasswordFunc
		user                          string
	}{
		{"sudo without a password", "sudo", "root", "", map[string]string{"sudoers": sudoers["free"]}, nil, ""},
		{"sudo without a password, though one is known", "sudo", "root", "", map[string]string{"sudoers": sudoers["free"]}, known("unused"), ""},
		{"sudo to one without a shell", "sudo", "bob", "sudo", map[string]string{"sudoers": sudoers["free"]}, nil, ""},
		{"sudo with a password", "sudo", "root", "sudo", map[string]string{"sudoers": sudoers["password"]}, known(rightPassword), ""},
		{"sudo that lectures", "sudo", "bob", "sudo", map[string]string{"sudoers": sudoers["lecture"]}, known(rightPassword), ""},
		{"su of root", "su", "bob", "su", nil, nil, "root"},
		{"su with a password", "su", "root", "su", nil, known(rightPassword), ""},
		{"doas without a password", "doas", "root", "doas", map[string]string{"doas.conf": "permit nopass ann\n"}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			needs(t, tt.program)
			s := newSystem(t)
			s.user = tt.user
			for name, text := range tt.etc {
				s.etc[name] = text
			}
			conn, err := s.start(t, tt.become, tt.method, tt.password)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			check(t, conn, tt.become)
		})
	}
}

func (s *system) start(t *testing.T, user, method string, password PasswordFunc) (io.ReadWriteCloser, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	spec := &luagw.Spec{Kind: "popen", Params: map[string]string{"become": user}}
	if method != "" {
		spec.Params["become_method"] = method
	}
	return (&Become{Password: password}).Start(ctx, spec, echo, s.run(t))
}

// TestPasswordIsNotTold: what asks for a password sends it back.
func TestPasswordIsNotTold(t *testing.T) {
	const hostile = `printf "Password: " >&2; read p; echo "su: who is $p" >&2; exit 1`
	run := func(_ context.Context, _ string, opts Options) (io.ReadWriteCloser, error) {
		process, err := child.Start(&child.Command{Path: "/bin/sh", Args: []string{"sh", "-c", hostile}, Session: true, Stderr: opts.Stderr})
		return &started{process}, err
	}
	spec := &luagw.Spec{Kind: "popen", Params: map[string]string{"become": "bob", "become_method": "su"}}
	_, err := (&Become{Password: known(rightPassword)}).Start(t.Context(), spec, echo, run)
	if err == nil || strings.Contains(err.Error(), rightPassword) || !strings.Contains(err.Error(), "who is ***") {
		t.Errorf("got %v, want one with *** in the place of the password", err)
	}
}

// check checks who runs the command, and that all bytes go through.
func check(t *testing.T, conn io.ReadWriteCloser, user string) {
	t.Helper()
	all := make([]byte, 1<<16)
	for i := range all {
		all[i] = byte(i)
	}
	want := user + "\n" + string(all)
	var written sync.WaitGroup
	written.Go(func() { conn.Write(all) })
	defer written.Wait()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Errorf("got %.40q..., %v; want %.40q...", got, err, want)
	}
}

func TestBecomeRefused(t *testing.T) {
	for _, tt := range []struct {
		name, program, become, method string
		etc                           map[string]string
		password                      PasswordFunc
		want                          string
	}{
		{"sudo wants a password", "sudo", "root", "sudo", map[string]string{"sudoers": sudoers["password"]}, nil,
			"auth: become root by sudo: it asks for a password, and nobody knows one"},
		{"wrong password", "sudo", "root", "sudo", map[string]string{"sudoers": sudoers["password"]}, known("wrong"),
			"auth: become root by sudo: the password is wrong"},
		{"wrong password in another language", "sudo", "root", "sudo", map[string]string{"sudoers": sudoers["lecture"]}, known("wrong"),
			"auth: become root by sudo: the password is wrong"},
		{"requiretty", "sudo", "root", "sudo", map[string]string{"sudoers": sudoers["tty"]}, nil,
			"auth: become root by sudo: sudo insists on a terminal, and there is no terminal to be had on the way"},
		{"not for that user", "sudo", "root", "sudo", map[string]string{"sudoers": sudoers["bob only"]}, nil,
			"auth: become root by sudo: "},
		{"not in sudoers", "sudo", "root", "sudo", map[string]string{"sudoers": sudoers["nobody"]}, known(rightPassword),
			"auth: become root by sudo: this user may not do so: the sudoers file does not name it"},
		{"no such user", "sudo", "carol", "sudo", map[string]string{"sudoers": sudoers["free"]}, nil,
			"auth: become carol by sudo: there is no such user"},
		{"su wants a password", "su", "root", "su", nil, nil,
			"auth: become root by su: it asks for a password, and nobody knows one"},
		{"su and a wrong password", "su", "root", "su", nil, known("wrong"),
			"auth: become root by su: the password is wrong, or one is needed"},
		{"doas wants a password", "doas", "root", "doas", map[string]string{"doas.conf": "permit ann\n"}, nil,
			"auth: become root by doas: it asks for a password, and nobody knows one"},
		{"doas and a password without a terminal", "doas", "root", "doas", map[string]string{"doas.conf": "permit ann\n"}, known(rightPassword),
			"auth: become root by doas: doas insists on a terminal, and there is no terminal to be had on the way"},
		{"doas says no", "doas", "root", "doas", map[string]string{"doas.conf": "permit nopass bob\n"}, nil,
			"auth: become root by doas: this user may not do so"},
		{"expired", "sudo", "root", "sudo", map[string]string{"sudoers": sudoers["password"], "shadow": fmt.Sprintf("root:%[1]s:19000:0:99999:7:::\nann:%[1]s:0:0:99999:7:::\n", rightHash)}, known(rightPassword),
			"auth: become root by sudo: the account or its password has expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			needs(t, tt.program)
			s := newSystem(t)
			for name, text := range tt.etc {
				s.etc[name] = text
			}
			conn, err := s.start(t, tt.become, tt.method, tt.password)
			if err == nil {
				conn.Close()
				t.Fatal("got a connection, want an error")
			}
			if open, ok := errors.AsType[*luagw.OpenError](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want an OpenError with %q", err, tt.want)
			} else if strings.Contains(err.Error(), rightPassword) || strings.Contains(open.Stderr, "luagw-") {
				t.Errorf("%q has something in it that is nobody's business", err)
			}
			t.Log(err)
		})
	}
}

// TestBecomeOnATerminal needs one, or is refused without.
func TestBecomeOnATerminal(t *testing.T) {
	for _, tt := range []struct {
		name, program, method string
		etc                   map[string]string
		password              PasswordFunc
		fails                 string
	}{
		{"requiretty", "sudo", "sudo", map[string]string{"sudoers": sudoers["tty"]}, nil, ""},
		{"doas with a password", "doas", "doas", map[string]string{"doas.conf": "permit ann\n"}, known(rightPassword), ""},
		{"doas with a wrong password", "doas", "doas", map[string]string{"doas.conf": "permit ann\n"}, known("wrong"), "the password is wrong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			needs(t, tt.program, "script", "stty")
			s := newSystem(t)
			s.terminals = true
			for name, text := range tt.etc {
				s.etc[name] = text
			}
			conn, err := s.start(t, "root", tt.method, tt.password)
			if tt.fails != "" {
				if conn != nil || err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("got %v, %v; want %q", conn, err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			check(t, conn, "root")
		})
	}
}
