//go:build unix

package bootstrap

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/luagw/luagw/gateways/agents"
)

// isMark reports whether a file in the cache is one that says of an agent that
// its hash was right.
func isMark(name string) bool {
	return regexp.MustCompile(`^luagw-agent-[0-9a-f]{64}\.[0-9a-f-]{36}$`).MatchString(name)
}

// boot names this boot of the system.
func boot(t *testing.T) string {
	t.Helper()
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Skip("the system does not name its boots, so nothing is marked")
	}
	return string(bytes.TrimSpace(id))
}

// counting is a host that keeps a list of the programs which the script starts.
func counting(t *testing.T) (h *host, started func() string) {
	t.Helper()
	dir := t.TempDir()
	list := filepath.Join(dir, "list")
	for _, name := range []string{"uname", "ls", "openssl", "find"} {
		needs(t, name)
		script := "#!/bin/sh\necho " + name + " >>" + list + "\nPATH=${PATH#*:} exec " + name + ` "$@"` + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h = &host{home: t.TempDir(), path: dir + ":" + os.Getenv("PATH")}
	return h, func() string {
		words, _ := os.ReadFile(list)
		os.Remove(list)
		return strings.Join(strings.Fields(string(words)), " ")
	}
}

// TestMark has the hash computed once in each boot, and again after whatever
// happens to the agent or to the mark.
func TestMark(t *testing.T) {
	id := boot(t)
	const (
		quick = "ls"
		whole = "uname ls openssl find"
		again = "ls uname ls openssl find"
	)
	for _, tt := range []struct {
		name   string
		happen func(file, mark string) error
		want   string
	}{
		{"nothing", func(_, _ string) error { return nil }, quick},
		{"another boot", func(file, mark string) error { return os.Rename(mark, file+".00000000-0000-0000-0000-000000000000") }, whole},
		{"no mark", func(_, mark string) error { return os.Remove(mark) }, whole},
		{"an empty mark", func(_, mark string) error { return os.Truncate(mark, 0) }, whole},
		{"half a mark", func(_, mark string) error { return os.Truncate(mark, 20) }, whole},
		{"a mark for another platform", func(_, mark string) error { return edit(mark, "Linux", "Plan9") }, whole},
		{"a mark of another file", func(_, mark string) error { return edit(mark, " -rwx", "0 -rwx") }, again},
		{"a mark that is another user's", func(_, mark string) error { return os.Chown(mark, 65534, 65534) }, whole},
		{"a mark that is a pipe", func(_, mark string) error { return errors.Join(os.Remove(mark), syscall.Mkfifo(mark, 0o600)) }, whole},
		{"the agent was touched", func(file, _ string) error { return os.Chtimes(file, time.Now(), time.Now()) }, again},
		{"the agent is another one of the same time", replaceKeepingTime, again},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, started := counting(t)
			source := large(t)
			h.checkColdAndWarm(t, source)
			started()
			h.checkWarm(t, source)
			if got := started(); got != quick {
				t.Fatalf("the third start runs %s, want %s", got, quick)
			}
			err := tt.happen(h.file(source), h.file(source)+"."+id)
			if errors.Is(err, os.ErrPermission) {
				t.Skip("only root can give files away")
			} else if err != nil {
				t.Fatal(err)
			}
			h.checkWarm(t, source)
			if got := started(); got != tt.want {
				t.Errorf("the next start runs %s, want %s", got, tt.want)
			}
		})
	}
}

// edit replaces words in a file.
func edit(path, from, to string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(from)) {
		return errors.New(path + " has no " + from)
	}
	return os.WriteFile(path, bytes.Replace(text, []byte(from), []byte(to), 1), 0o600)
}

// replaceKeepingTime puts a copy in the place of a file.
func replaceKeepingTime(file, _ string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	other := filepath.Join(filepath.Dir(filepath.Dir(file)), "other")
	return errors.Join(os.WriteFile(other, text, 0o700), os.Chtimes(other, info.ModTime(), info.ModTime()), os.Rename(other, file))
}

// TestMarkOfUnknownHash has nothing that computes a hash, and therefore no mark.
func TestMarkOfUnknownHash(t *testing.T) {
	id := boot(t)
	h := &host{path: tools(t, only("gzip")...)}
	source := large(t)
	h.checkColdAndWarm(t, source)
	if _, err := os.Stat(h.file(source) + "." + id); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Stat of the mark: %v, want that there is none", err)
	}
}

// TestTamperedAndTimesSetBack changes a marked agent, and makes it look as old as
// it was.
func TestTamperedAndTimesSetBack(t *testing.T) {
	source := large(t)
	h := &host{home: t.TempDir()}
	h.checkColdAndWarm(t, source)
	file := h.file(source)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(flip(file, 100), os.Chtimes(file, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
	h.checkColdAndWarm(t, source) // a good one is sent again
}

// TestMarkWithoutRoom has no room for what a mark says. Nothing is left of it, or
// each start would leave a file more.
func TestMarkWithoutRoom(t *testing.T) {
	boot(t)
	for _, shell := range []string{"dash", "bash", "busybox", "mksh", "yash", "zsh"} {
		t.Run(shell, func(t *testing.T) {
			needs(t, shell)
			t.Parallel()
			h, source := &host{}, large(t)
			p := h.start(t, source)
			p.hello(t)
			p.conn.Close()
			h.path = shAs(t, shell) + ":" + os.Getenv("PATH")
			h.shell = []string{"bash", "-c", `trap "" XFSZ; ulimit -f 0; eval "$0"`}
			h.checkWarm(t, source)
		})
	}
}

// TestMarkIsOurs has a login that lets everybody write to what it makes.
func TestMarkIsOurs(t *testing.T) {
	id := boot(t)
	h, source := &host{shell: []string{"sh", "-c", `umask 0; eval "$0"`}}, large(t)
	h.checkColdAndWarm(t, source)
	info, err := os.Stat(h.file(source) + "." + id)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("the mark has mode %v, want -rw-------", info.Mode())
	}
}

// TestMarkOfAnotherSystem has one home for two systems on the same kernel, of which
// one is for another processor, as containers can be: each runs its own agent.
func TestMarkOfAnotherSystem(t *testing.T) {
	boot(t)
	needsRoot(t)
	mine, other := large(t), agentOf(t, echo+"# of the other\n")
	source := agents.Sources{mine.only("linux", "amd64"), other.only("linux", "arm64")}
	one := &host{home: t.TempDir(), path: fakeUname(t, "Linux x86_64") + ":" + os.Getenv("PATH")}
	two := &host{home: one.home, path: fakeUname(t, "Linux aarch64") + ":" + os.Getenv("PATH"), shell: mounted(
		`mkdir /dev/shm/u /dev/shm/w && mount -t overlay -o lowerdir=/usr/bin,upperdir=/dev/shm/u,workdir=/dev/shm/w none /usr/bin && ln -s dash /usr/bin/sh.new && mv /usr/bin/sh.new /usr/bin/sh`)}
	for range 3 {
		for h, want := range map[*host]string{one: mine.image.Hash, two: other.image.Hash} {
			p := h.start(t, source)
			p.hello(t)
			if got := p.conn.(*connection).doing; !strings.Contains(got, want) {
				t.Errorf("it runs %s, want %s", got, want)
			}
			p.conn.Close()
		}
	}
}
