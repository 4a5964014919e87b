//go:build unix

package bootstrap

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLoginShell runs the command line as sshd does, by the login shell.
func TestLoginShell(t *testing.T) {
	for _, shell := range []string{"sh", "dash", "bash", "busybox", "ksh", "mksh", "yash", "zsh", "csh", "tcsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			needs(t, shell)
			t.Parallel()
			h := &host{shell: []string{shell, "-c"}}
			if shell == "busybox" {
				h.shell = []string{"busybox", "sh", "-c"}
			}
			h.checkColdAndWarm(t, large(t))
		})
	}
}

// TestSh runs it where the name sh stands for various shells.
func TestSh(t *testing.T) {
	for _, shell := range []string{"dash", "bash", "busybox", "ksh", "mksh", "zsh"} {
		t.Run(shell, func(t *testing.T) {
			needs(t, shell)
			t.Parallel()
			h := &host{path: shAs(t, shell) + ":" + os.Getenv("PATH")}
			h.checkColdAndWarm(t, large(t))
		})
	}
}

// TestShellOptions has a login shell that exports its options to all bashes.
func TestShellOptions(t *testing.T) {
	needs(t, "bash")
	h := &host{
		path: shAs(t, "bash") + ":" + os.Getenv("PATH"),
		env:  map[string]string{"SHELLOPTS": "errexit:noclobber:noglob:nounset"},
	}
	h.checkColdAndWarm(t, large(t))
}

// shAs makes a directory for PATH in which sh is a certain shell.
func shAs(t *testing.T, shell string) string {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(path, filepath.Join(dir, "sh")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBusybox has nothing but busybox.
func TestBusybox(t *testing.T) {
	needs(t, "busybox")
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.Command("busybox", "--install", "-s", dir).CombinedOutput(); err != nil {
		t.Skipf("busybox does not install itself: %s", out)
	}
	h := &host{path: dir}
	h.checkColdAndWarm(t, large(t))
}

// TestTools leaves out programs that may be missing.
func TestTools(t *testing.T) {
	for _, tt := range []struct {
		name  string
		tools []string
	}{
		{"no gzip", only("sha256sum")},
		{"openssl", only("gzip", "openssl")},
		{"shasum", only("gzip", "shasum", "perl")},
		{"busybox for hashes", only("gzip", "busybox")},
		{"nothing for hashes", only("gzip")},
		{"nothing at all", only()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := &host{path: tools(t, tt.tools...)}
			h.checkColdAndWarm(t, large(t))
		})
	}
}

// TestOddHome has names that a careless script falls over.
func TestOddHome(t *testing.T) {
	for _, name := range []string{"two words", "-n", "a;b", "$HOME", "*", "drwxrwxrwx", "it's", "\\", "été"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := filepath.Join(t.TempDir(), name)
			if err := os.Mkdir(home, 0o755); err != nil {
				t.Fatal(err)
			}
			h := &host{home: home, env: map[string]string{"TIME_STYLE": "long-iso", "LANG": "C.UTF-8"}}
			h.checkColdAndWarm(t, agentOf(t, echo))
		})
	}
}

// TestEnvironment checks that the agent finds what the login shell left, and
// the place in the middle of login noise.
func TestEnvironment(t *testing.T) {
	const tell = `#!/bin/sh
echo
echo 'luagw 1 ok {"pid":'$$'}'
umask
pwd
env
`
	source := agentOf(t, tell)
	h := &host{
		shell: []string{"sh", "-c", `umask 27; printf "Welcome\n\377 luagw 1 here\nlast login: "; eval "$0"`},
		home:  t.TempDir(),
		env:   map[string]string{"GREETING": "hello"},
	}
	for _, state := range []string{"cold", "warm"} {
		t.Run(state, func(t *testing.T) {
			p := h.start(t, source)
			if noise := p.hello(t); !strings.HasPrefix(noise, "Welcome\n\377 luagw 1 here\nlast login: ") {
				t.Errorf("the noise is %q, want what was printed", noise)
			}
			rest := p.rest(t)
			for _, want := range []string{"0027\n" + h.home + "\n", "GREETING=hello\n", "HOME=" + h.home + "\n"} {
				if !strings.Contains(rest, want) {
					t.Errorf("the agent says %q, want %q in it", rest, want)
				}
			}
			for _, name := range []string{"LC_ALL", AheadVar} {
				if strings.Contains(rest, name+"=") {
					t.Errorf("the agent says %q, want no %s", rest, name)
				}
			}
		})
	}
}
