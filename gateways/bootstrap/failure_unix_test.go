//go:build unix

package bootstrap

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/agents"
)

// TestFailure has what users read when something on the far side is not as it
// should be. PATH, HASH and CACHE stand for what varies.
func TestFailure(t *testing.T) {
	const closes = "//timeout=300ms"
	for _, tt := range []struct {
		name   string
		shell  []string
		uname  string // what uname says; that of this host if empty
		source func(t *testing.T) agents.Source
		keys   string
		want   string
	}{
		{
			name: "nologin", shell: []string{"nologin", "-c"},
			want: "bootstrap: the command ended before it ran sh (exit status 1): This account is currently not available.",
		},
		{
			name: "rc file that exits", shell: []string{"sh", "-c", "echo nothing for you here; exit 7"},
			want: "bootstrap: the command ended before it ran sh (exit status 7): nothing for you here",
		},
		{
			name: "no sh", shell: []string{"sh", "-c", `PATH=/nonexistent; eval "$1"`, "sh"},
			want: "bootstrap: the command ended before it ran sh (exit status 127): sh: 1: exec: sh: not found",
		},
		{
			name: "rc file that asks", shell: []string{"sh", "-c", `printf "Continue? "; exec sleep 100`}, keys: closes,
			want: "bootstrap: no hello from the agent in time: nothing came for 300ms: the far side has not run sh yet: Continue?",
		},
		{
			name: "rc file that reads", shell: []string{"sh", "-c", `printf "Name: "; read a; read b; exec sleep 100`}, keys: closes,
			want: "bootstrap: no hello from the agent in time: nothing came for 300ms: the far side has not run sh yet: Name:",
		},
		{
			name: "platform without an agent", uname: "Linux mips64",
			source: func(t *testing.T) agents.Source {
				return agents.Sources{agentOf(t, echo).only("linux", "arm64", "amd64")}
			},
			want: "bootstrap: there is no agent for the far side, which is Linux mips64; there are linux/arm64, linux/amd64",
		},
		{
			name: "no agent at all", source: func(*testing.T) agents.Source { return &agents.Beside{Dir: "/nonexistent"} }, uname: "Linux x86_64",
			want: "bootstrap: there is no agent for the far side, which is Linux x86_64; there are none (open /nonexistent: no such file or directory)",
		},
		{
			name: "agent that cannot be had", source: func(*testing.T) agents.Source { return broken{} }, uname: "Linux x86_64",
			want: "bootstrap: the agent for linux/amd64, from nowhere: it is broken",
		},
		{
			name: "agent that ends", source: func(t *testing.T) agents.Source { return agentOf(t, "#!/bin/sh\necho oh no >&2\nexit 3\n") },
			uname: "Linux x86_64",
			want:  "bootstrap: the agent does not start there: Linux x86_64: CACHE/luagw-agent-HASH (exit status 3): oh no",
		},
		{
			name: "agent without its interpreter", source: func(t *testing.T) agents.Source { return agentOf(t, "#!/nonexistent\n") },
			uname: "Linux x86_64",
			want:  "bootstrap: the agent does not start there: Linux x86_64: CACHE/luagw-agent-HASH (exit status 127): luagw: 1: exec: CACHE/luagw-agent-HASH: not found",
		},
		{
			name: "agent that says nothing", source: func(t *testing.T) agents.Source { return agentOf(t, "#!/bin/sh\nexec sleep 100\n") },
			uname: "Linux x86_64", keys: closes,
			want: "bootstrap: no hello from the agent in time: nothing came for 300ms: the agent was started and says nothing: Linux x86_64: CACHE/luagw-agent-HASH",
		},
		{
			name: "host that stops reading", shell: []string{"sh", "-c", `echo "luagw-bootstrap want $$ gzip Linux x86_64"; exec sleep 100`}, keys: closes,
			source: func(t *testing.T) agents.Source { return huge(t) },
			want:   "bootstrap: no hello from the agent in time: nothing came for 300ms: the agent is being sent: 2",
		},
		{
			name: "host that wants ever more", shell: []string{"sh", "-c", `while :; do echo "luagw-bootstrap want 1 gzip Linux x86_64"; done & exec cat >/dev/null`},
			want: "bootstrap: the far side wants an agent for the 7th time",
		},
		{
			name: "host that talks rubbish", shell: []string{"sh", "-c", `echo "luagw-bootstrap want to go home"; exec cat`},
			want: `bootstrap: the far side wants "to go home"`,
		},
		{
			name: "host that says a strange word", shell: []string{"sh", "-c", `printf "luagw-bootstrap \033[31mred\n"; exec cat`},
			want: `bootstrap: the far side says "[31mred"`,
		},
		{
			name: "host that prints for ever", shell: []string{"sh", "-c", `while :; do echo noise; done`},
			want: "hello: no hello from the agent in the first 64 KiB: ...",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.shell != nil {
				needs(t, tt.shell[0])
			}
			t.Parallel()
			h := &host{home: t.TempDir(), shell: tt.shell, grace: 50 * time.Millisecond}
			if tt.uname != "" {
				h.path = fakeUname(t, tt.uname) + ":" + os.Getenv("PATH")
			}
			source, hash := agents.Source(large(t)), ""
			if tt.source != nil {
				source = tt.source(t)
			}
			if o, ok := source.(one); ok {
				hash = o.image.Hash
			}
			group := &luagw.Group{Dial: h.dial(t, source)}
			defer group.Close()
			_, err := group.Open(t.Context(), "exec=host"+tt.keys)
			if err == nil {
				t.Fatal("it opens, want an error")
			}
			got := strings.ReplaceAll(err.Error(), filepath.Join(h.home, ".cache", "luagw"), "CACHE")
			if hash != "" {
				got = strings.ReplaceAll(got, hash, "HASH")
			}
			if want := fmt.Sprintf("open %q: ", "exec=host"+tt.keys) + tt.want; !strings.HasPrefix(got, want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// TestMisfit sends an agent for another processor: no system runs that of this
// one. Each shell has its own way to stumble over it, and over one that is there
// already. What busybox says depends on the bytes that it comes upon.
func TestMisfit(t *testing.T) {
	const header = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xfe\xfe\x01\x00\x00\x00"
	for name, elf := range map[string]string{"word": header + "\n)\n", "no word": header + ")\n", "quote": header + "\""} {
		for _, shell := range []string{"dash", "bash", "busybox", "ksh", "mksh", "yash", "zsh"} {
			t.Run(shell+" "+name, func(t *testing.T) {
				needs(t, shell)
				t.Parallel()
				h := &host{home: t.TempDir(), path: fakeUname(t, "Linux x86_64") + ":" + os.Getenv("PATH")}
				if shell == "yash" { // which takes no agent
					h.wantMisfit(t, elf)
				}
				h.path = shAs(t, shell) + ":" + h.path
				h.wantMisfit(t, elf)
				h.wantMisfit(t, elf)
			})
		}
	}
}

func (h *host) wantMisfit(t *testing.T, elf string) {
	t.Helper()
	group := &luagw.Group{Dial: h.dial(t, agentOf(t, elf))}
	defer group.Close()
	_, err := group.Open(t.Context(), "exec=host")
	const want = `open "exec=host": bootstrap: the agent is for a processor that the far side does not have, whatever its uname says: Linux x86_64: `
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestYash has yash for sh, which runs an agent that is there and cannot take one.
func TestYash(t *testing.T) {
	needs(t, "yash")
	source := large(t)
	h := &host{home: t.TempDir()}
	p := h.start(t, source)
	p.hello(t)
	p.conn.Close()
	h.path = shAs(t, "yash") + ":" + os.Getenv("PATH")
	h.checkWarm(t, source)
	if err := os.Remove(h.file(source)); err != nil {
		t.Fatal(err)
	}
	p = h.start(t, source)
	p.write(t, ahead())
	const want = "bootstrap: the far side cannot take an agent: its sh is yash, which reads nothing behind a zero byte"
	if got := p.failure(t).Error(); !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	p.conn.(luagw.Exiter).Exit(t.Context())
	h.checkLeft(t)
}

// fakeUname makes a directory for PATH in which uname says something else.
func fakeUname(t *testing.T, says string) string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\necho " + says + "\n"
	if err := os.WriteFile(filepath.Join(dir, "uname"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// only narrows a source to an operating system and some architectures.
func (o one) only(goos string, archs ...string) agents.Source { return some{o, goos, archs} }

type some struct {
	one
	os    string
	archs []string
}

func (s some) Agents() ([]*agents.Agent, error) {
	all, err := s.one.Agents()
	var kept []*agents.Agent
	for _, arch := range s.archs {
		for _, agent := range all {
			if agent.OS == s.os && agent.Arch == arch {
				kept = append(kept, agent)
			}
		}
	}
	return kept, err
}

// huge does not fit into any pipe.
func huge(t *testing.T) one {
	t.Helper()
	o := large(t)
	image := *o.image
	image.Gzip = append(image.Gzip, make([]byte, 2<<20)...)
	return one{&image}
}

// TestCut cuts the connection at all sorts of places while the agent is sent.
// Nothing but a whole agent must ever be found afterwards.
func TestCut(t *testing.T) {
	source := large(t)
	body := len(source.image.Gzip)
	head := len("\nluagw-agent ") // the number of the process follows
	cuts := map[string]int{
		"before anything": 0, "in the announcement": head + 1, "before the hash": head + 20, "in the body": head + 200,
		"in the middle": body / 2, "at a block": head + 200 + 8*4096, "near the end": body - 1,
	}
	for name, at := range cuts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &host{home: t.TempDir()}
			p := h.startCut(t, source, at)
			if got := p.failure(t).Error(); !strings.Contains(got, "bootstrap: the far side ended while the agent was sent: ") {
				t.Errorf("got %q, want that the agent was being sent", got)
			}
			p.conn.(luagw.Exiter).Exit(t.Context()) // it has cleaned up by then
			h.checkLeft(t)
			h.checkColdAndWarm(t, source)
		})
	}
}

// startCut starts an agent over a connection that takes no more than n bytes.
func (h *host) startCut(t *testing.T, source one, n int) *peer {
	t.Helper()
	b := &Bootstrap{Agents: source}
	spec := &luagw.Spec{Kind: "exec", Target: "host"}
	line, err := b.Command(spec)
	if err != nil {
		t.Fatal(err)
	}
	raw := &counter{ReadWriteCloser: h.begin(t, line)}
	conn, err := b.Start(t.Context(), spec, &scissors{counter: raw, left: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &peer{conn, raw}
}

// scissors closes the far side's standard input after some bytes.
type scissors struct {
	*counter
	left int
}

func (s *scissors) Write(p []byte) (int, error) {
	if len(p) < s.left {
		s.left -= len(p)
		return s.counter.Write(p)
	}
	n, _ := s.counter.Write(p[:s.left])
	s.left = 0
	s.ReadWriteCloser.(interface{ CloseWrite() error }).CloseWrite()
	return n, io.ErrClosedPipe
}

// TestKilled has the far side's shell die while it takes the agent. What it
// leaves is no agent.
func TestKilled(t *testing.T) {
	source := large(t)
	h := &host{home: t.TempDir(), shell: []string{"sh", "-c", `{ sleep 0.2; kill -KILL $$; } & eval "$0"`}}
	p := h.startCutSlow(t, source)
	p.failure(t)
	entries, _ := os.ReadDir(filepath.Join(h.home, ".cache", "luagw"))
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "tmp.") {
			t.Errorf("there is %q, want nothing but what is cleaned away later", entry.Name())
		}
	}
	h.shell = nil
	p = h.start(t, source)
	p.hello(t)
}

// startCutSlow starts an agent over a connection that stops, but stays open.
func (h *host) startCutSlow(t *testing.T, source one) *peer {
	t.Helper()
	b := &Bootstrap{Agents: source}
	spec := &luagw.Spec{Kind: "exec", Target: "host"}
	line, err := b.Command(spec)
	if err != nil {
		t.Fatal(err)
	}
	raw := &counter{ReadWriteCloser: h.begin(t, line)}
	conn, err := b.Start(t.Context(), spec, &stopper{counter: raw, left: len(source.image.Gzip) / 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &peer{conn, raw}
}

// stopper loses what comes after some bytes.
type stopper struct {
	*counter
	left int
}

func (s *stopper) Write(p []byte) (int, error) {
	n := min(len(p), s.left)
	s.left -= n
	if _, err := s.counter.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// TestCorrupted changes a bit on the way. The far side says so for each place,
// and keeps nothing.
func TestCorrupted(t *testing.T) {
	needsRoot(t) // for the places beside HOME
	for _, tool := range []string{"gzip", "cat"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			source := large(t)
			home := t.TempDir()
			h := &host{home: home, env: map[string]string{"HOME0": home}, shell: isolated("true")}
			if tool == "cat" {
				h.path = toolsIn(t, home, only("sha256sum", "unshare", "mount", "umount", "rmdir")...)
			}
			b := &Bootstrap{Agents: source}
			spec := &luagw.Spec{Kind: "exec", Target: "host"}
			line, err := b.Command(spec)
			if err != nil {
				t.Fatal(err)
			}
			raw := &counter{ReadWriteCloser: h.begin(t, line)}
			conn, err := b.Start(t.Context(), spec, &flipper{raw})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			p := &peer{conn, raw}
			want := map[string]string{"gzip": "gzip: ", "cat": "what arrived has another hash"}[tool]
			if got := p.failure(t).Error(); !strings.Contains(got, "no place for the agent") || strings.Count(got, want) < 2 {
				t.Errorf("got %q, want %q for each place; stderr %q", got, want, p.conn.(luagw.Exiter).Exit(t.Context()).Stderr)
			}
		})
	}
}

// flipper flips a bit of each long write.
type flipper struct{ *counter }

func (f *flipper) Write(p []byte) (int, error) {
	if len(p) > 10_000 {
		p = append([]byte{}, p...)
		p[len(p)-5000] ^= 4
	}
	return f.counter.Write(p)
}

// TestRace starts twenty at once where there is no agent.
func TestRace(t *testing.T) {
	source := large(t)
	h := &host{home: t.TempDir()}
	var all sync.WaitGroup
	for i := range 20 {
		p := h.start(t, source)
		all.Go(func() {
			word := fmt.Sprint("I am ", i)
			if _, err := p.conn.Write([]byte(word)); err != nil {
				t.Error(err)
			}
			if _, err := p.helloOr(); err != nil {
				t.Error(err)
				return
			}
			got := make([]byte, len(word))
			if _, err := io.ReadFull(p.conn, got); err != nil || string(got) != word {
				t.Errorf("got %q, %v; want %q", got, err, word)
			}
		})
	}
	all.Wait()
	h.checkWarm(t, source)
}
