//go:build unix

package testhosts

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// loginTime is for one login and a short command. Logins take half a second, and
// much more where many go on at once.
const loginTime = 30 * time.Second

// TestHosts shows that each host is what it is said to be, by the system's ssh.
func TestHosts(t *testing.T) {
	h := Running(t)
	needSSH(t)
	for _, test := range []struct {
		host, command string
		want          string // what is written, as a regular expression
		code          int
	}{
		{"web1", "id -un; hostname; cat /proc/1/comm", `^root\nweb1\n(docker|tini)-init\n$`, 0},
		{"web2", "hostname", `^web2\n$`, 0},

		{"ann", "id -un; echo $0; sudo -n true", `^ann\nbash\nsudo: a password is required\n$`, 1},
		{"dash", "echo $0; readlink -f /proc/$$/exe", `^sh\n/usr/bin/dash\n$`, 0},
		{"csh", "echo $shell; set x = 2; echo $x", `^/bin/csh\n2\n$`, 0},
		{"fish", "set x 2; echo $x; echo $FISH_VERSION", `^2\n3\.`, 0},
		{"zsh", "echo $0 $ZSH_VERSION", `^zsh 5\.`, 0},
		{"noisy", "echo here", `(?s)\* Unauth.*recorded.*\nluagw 1 is.*here\n`, 0},
		{"unterminated", "echo here", `(?s)\x07.*here`, 0},
		{"flood", "echo here", `^no end of this\nno end of this\n`, -1},
		{"asks", "echo here", `^Do you accept the terms\? \[y/N\] $`, 1},
		{"exits", "echo here", `^closed for maintenance until six\n$`, 3},
		{"nologin", "echo here", `not available\.\n$`, 1},

		{"sudo", "sudo -n id -un", `^root\n$`, 0},
		{"sudo-password", "sudo -n id -un", `^sudo: a password is required\n$`, 1},
		{"sudo-password", "echo secret | sudo -S -p ask: id -un", `ask:.*root\n$`, 0},
		{"sudo-tty", "sudo -n id -un", `^sudo: .*must have a tty`, 1},
		{"sudo-prompt", "echo secret | sudo -S id -un", `^\[sudo\] Passwort für sudo-prompt: .*root\n$`, 0},
		{"doas", "doas id -un", `^root\n$`, 0},
		{"doas-password", "doas -n id -un", `^doas: Authentication required\n$`, 1},
		{"su", "echo rootsecret | su -c 'id -un'; sudo -n true", `^Password: .*root\nsudo: `, 1},

		{"password", "id -un", `Permission denied \(password\)`, 255},
		{"keyboard", "id -un", `Permission denied \(keyboard-interactive\)`, 255},
		{"encrypted", "id -un", `Permission denied \(publickey`, 255},
		{"certificate", "id -un", `^certificate\n$`, 0},
		{"nokey", "id -un", `Permission denied \(publickey`, 255},

		{"readonly", canRun, `^/dev/shm\n$`, 0},
		{"noexec", canRun, `^/var/tmp\n$`, 0},
		{"nowhere", canRun, `^$`, 0},
		{"full", canRun, `^/root\n/tmp\n/var/tmp\n/dev/shm\n$`, 0},
		{"full", "cd && head -c 300000 /dev/zero >f; code=$?; rm f; exit $code", `No space left`, 1},
		{"fullhome", "cd && head -c 300000 /dev/zero >f; code=$?; rm f; exit $code", `No space left`, 1},
		{"noexechome", canRun, `^/tmp\n/var/tmp\n$`, 0},

		{"dropbear", "cat /proc/$PPID/comm", `^dropbear\n$`, 0},
		{"busybox", "readlink -f /bin/sh; ls /usr/bin | grep -vxF \"$(busybox --list)\"", `^/bin/busybox\ndocker-init\ndropbear\ndropbearconvert\n$`, 0},
		{"limited", "id -un", `^root\n$`, 0},

		{"arm64", "uname -m; ls -l /proc/$$/exe | grep -c busybox; ls /lib", `^aarch64\n`, 1},
		{"armhf", "uname -m; ls /lib", `^armv7l\n`, 1},
		{"i386", "uname -m; ls /lib", `^i[3-6]86\n`, 1},

		{"bastion", "hostname", `^bastion\n$`, 0},
		{"inner", sameNet, `^inner\nyes\n$`, 0},
		{"innermost", sameNet, `^innermost\nyes\n$`, 0},

		{"v6", "hostname; echo $SSH_CLIENT", `^web1\nf`, 0},
		{"ecdsa", "hostname", `^web1\n$`, 0},
		{"hashed", "hostname", `^web1\n$`, 0},
		{"certified", "hostname", `^web1\n$`, 0},
		{"unknown", "hostname", `^Host key verification failed`, 255},
		{"changed", "hostname", `(?s)REMOTE HOST IDENTIFICATION HAS CHANGED.*Host key verification failed`, 255},
		{"revoked", "hostname", `(?s)key for revoked was revoked.*Host key verification failed`, 255},

		{"closed", "hostname", `port 1: Connection refused`, 255},
		{"filtered", "hostname", `timed out`, 255},
		{"unresolvable", "hostname", `Could not resolve hostname unresolvable\.invalid`, 255},
		{"gone", "hostname", `No route to host|timed out`, 255},
		{"behindgone", "hostname", `No route to host|timed out`, 255},
	} {
		t.Run(test.host, func(t *testing.T) {
			t.Parallel()
			if strings.HasPrefix(test.host, "full") {
				h.Alone(t, test.host)
			}
			h.Host(t, test.host)
			out, code := runSSH(t, h.SSH, test.host, test.command)
			if code != test.code || !regexp.MustCompile(test.want).MatchString(out) {
				t.Errorf("ssh %s %q: got %q and exit status %d, want %q and %d",
					test.host, test.command, end(out), code, test.want, test.code)
			}
		})
	}
}

// canRun prints the places an agent could be kept in from which programs run.
const canRun = `for d in ~ /tmp /var/tmp /dev/shm; do
	p=$d/canrun.$$
	cp /bin/true $p 2>/dev/null && $p 2>/dev/null && echo $d
	rm -f $p
done 2>/dev/null; true`

// sameNet tells whether the client is in the server's own network, as the near
// side is not.
const sameNet = `hostname; set -- $SSH_CONNECTION; [ "${1%.*}" = "${3%.*}" ] && echo yes`

func needSSH(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skipf("no OpenSSH client: %v", err)
	}
}

// runSSH returns what command writes to both outputs, and its exit status: -1 if
// it did not end by itself.
func runSSH(t *testing.T, ssh func(context.Context, string, string) *exec.Cmd, host, command string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), loginTime)
	defer cancel()
	cmd := ssh(ctx, host, command)
	cmd.Args = append(cmd.Args[:1:1], append([]string{"-o", "ConnectTimeout=2"}, cmd.Args[1:]...)...)
	out := &limited{most: 1 << 20, full: cancel}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// limited keeps what is written up to a limit, and then ends the writer.
type limited struct {
	strings.Builder
	most int
	full func()
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.most {
		l.full()
		return 0, errors.New("too much was written")
	}
	return l.Builder.Write(p)
}

func end(s string) string { return s[max(0, len(s)-400):] }

// TestAsked shows the logins that ask for something, with an answer.
func TestAsked(t *testing.T) {
	h := Running(t)
	needSSH(t)
	ask := filepath.Join(t.TempDir(), "ask")
	if err := os.WriteFile(ask, []byte("#!/bin/sh\necho secret\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	answering := func(ctx context.Context, host, command string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "ssh", "-F", h.Config(), host, command)
		cmd.Env = append(os.Environ(), "SSH_ASKPASS="+ask, "SSH_ASKPASS_REQUIRE=force")
		return cmd
	}
	for _, host := range []string{"password", "keyboard", "encrypted"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			if out, code := runSSH(t, answering, host, "id -un"); out != host+"\n" || code != 0 {
				t.Errorf("ssh %s: got %q and exit status %d, want its name", host, end(out), code)
			}
		})
	}
}

// TestLimited shows that a second session on one connection is refused.
func TestLimited(t *testing.T) {
	h := Running(t)
	needSSH(t)
	socket := filepath.Join(t.TempDir(), "master")
	master := h.SSH(t.Context(), "limited", "cat")
	master.Args = append(master.Args[:1:1], append([]string{"-M", "-S", socket}, master.Args[1:]...)...)
	stdin, err := master.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := master.Start(); err != nil {
		t.Fatal(err)
	}
	defer master.Wait()
	defer stdin.Close()
	if !within(loginTime, func() bool { _, err := os.Stat(socket); return err == nil }) {
		t.Fatal("no connection to share")
	}
	second := func(ctx context.Context, host, command string) *exec.Cmd {
		return exec.CommandContext(ctx, "ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-S", socket, host, command)
	}
	if out, code := runSSH(t, second, "limited", "id -un"); code != 255 {
		t.Errorf("second session: got %q and exit status %d, want it refused", end(out), code)
	}
}
