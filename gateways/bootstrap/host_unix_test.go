//go:build unix

package bootstrap

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/agents"
	"github.com/luagw/luagw/internal/child"
)

// echo is an executable that says hello as an agent does, and then sends back
// what comes, byte by byte. Its length is no multiple of anything.
const echo = `#!/bin/sh
[ "$LUAGW_SERVE" = stdio ] || echo "LUAGW_SERVE is not set" >&2
[ "$LUAGW_AHEAD" = "$$ SGVsbG8_-" ] || exit 9
[ "${LC_LUAGW-none}" = none ] || exit 10
echo
echo 'luagw 1 ok {"pid":'$$'}'
exec cat
`

const helloStart = `luagw 1 ok {"pid":`

// one is a source with one agent, for all platforms that hosts may say they are.
type one struct{ image *agents.Image }

func (o one) Agents() ([]*agents.Agent, error) {
	load := func(context.Context) (*agents.Image, error) { return o.image, nil }
	var all []*agents.Agent
	for _, u := range unames {
		all = append(all, &agents.Agent{OS: u.os, Arch: u.arch, Hash: o.image.Hash, Origin: "a test", Load: load})
	}
	return all, nil
}

// agentOf makes a source of an executable.
func agentOf(t testing.TB, executable string) one {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	io.WriteString(w, executable)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(executable))
	return one{&agents.Image{Hash: hex.EncodeToString(sum[:]), Size: int64(len(executable)), Gzip: packed.Bytes()}}
}

// large is the echo agent with enough behind it to fill pipes.
func large(t testing.TB) one {
	t.Helper()
	noise := make([]byte, 300_001)
	state := uint32(1)
	for i := range noise { // gzip cannot make it smaller
		state = state*1664525 + 1013904223
		noise[i] = byte(state >> 24)
	}
	return agentOf(t, echo+"exit\n"+string(noise))
}

// host is a place where command lines are run.
type host struct {
	shell []string          // takes the command line as its last argument; sh -c if nil
	env   map[string]string // all that there is, besides HOME, PATH and what was sent ahead
	home  string            // made if empty
	path  string            // PATH; that of the test if empty
	setup func(*exec.Cmd)
	grace time.Duration // before what does not end is killed
}

// begin runs a command line.
func (h *host) begin(t testing.TB, line string) *child.Process {
	t.Helper()
	if h.home == "" {
		h.home = t.TempDir()
	}
	env := map[string]string{"HOME": h.home, "PATH": h.path, AheadVar: "SGVsbG8_-"}
	if h.path == "" {
		env["PATH"] = os.Getenv("PATH")
	}
	maps.Copy(env, h.env)
	shell := h.shell
	if shell == nil {
		shell = []string{"sh", "-c"}
	}
	path, err := child.Lookup(shell[0])
	if err != nil {
		t.Fatal(err)
	}
	args := append(slices.Clone(shell), line)
	process, err := child.Start(&child.Command{Path: path, Args: args, Session: true, Grace: h.grace, Setup: func(cmd *exec.Cmd) {
		cmd.Env, cmd.Dir = nil, h.home
		for name, value := range env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		if h.setup != nil {
			h.setup(cmd)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { process.Close() })
	return process
}

// start bootstraps an agent of source.
func (h *host) start(t testing.TB, source agents.Source) *peer {
	t.Helper()
	b := &Bootstrap{Agents: source}
	spec := &luagw.Spec{Kind: "exec", Target: "host"}
	line, err := b.Command(spec)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{raw: &counter{ReadWriteCloser: h.begin(t, line)}}
	if p.conn, err = b.Start(t.Context(), spec, p.raw); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.conn.Close() })
	return p
}

// file is where the agent of a source lies below HOME.
func (h *host) file(source one) string {
	return filepath.Join(h.home, ".cache", "luagw", "luagw-agent-"+source.image.Hash)
}

// counter counts what is written.
type counter struct {
	io.ReadWriteCloser
	written int
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.ReadWriteCloser.Write(p)
	c.written += n
	return n, err
}

func (c *counter) Exit(ctx context.Context) luagw.Exit {
	exit := c.ReadWriteCloser.(*child.Process).Exit(ctx)
	return luagw.Exit{Code: exit.Code, Signal: exit.Signal, Stderr: exit.Stderr}
}

// peer is a bootstrapped agent.
type peer struct {
	conn io.ReadWriteCloser
	raw  *counter
}

// hello reads up to the hello, and returns what came before it.
func (p *peer) hello(t testing.TB) (noise string) {
	t.Helper()
	noise, err := p.helloOr()
	if err != nil {
		exit := p.conn.(luagw.Exiter).Exit(t.Context())
		t.Fatalf("no hello: %v; exit %d, stderr %q, noise %q", err, exit.Code, exit.Stderr, noise)
	}
	return noise
}

// helloOr is hello where none may come. It is bounded by closing.
func (p *peer) helloOr() (noise string, err error) {
	watch := time.AfterFunc(20*time.Second, func() { p.conn.Close() })
	defer watch.Stop()
	var seen []byte
	for {
		var b [1]byte
		n, err := p.conn.Read(b[:])
		seen = append(seen, b[:n]...)
		if i := bytes.Index(seen, []byte(helloStart)); i >= 0 && b[0] == '\n' {
			return string(seen[:i]), nil
		}
		if err != nil {
			return string(seen), err
		}
	}
}

// echoes checks that the agent gets, to the byte, what was written.
func (p *peer) echoes(t testing.TB, want string) {
	t.Helper()
	watch := time.AfterFunc(20*time.Second, func() { p.conn.Close() })
	defer watch.Stop()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(p.conn, got); err != nil || string(got) != want {
		t.Fatalf("the agent got %q, %v; want %q", cut(got[:n]), err, cut([]byte(want)))
	}
}

func cut(b []byte) []byte {
	if len(b) > 80 {
		return append(append([]byte{}, b[:80]...), "..."...)
	}
	return b
}

func (p *peer) write(t testing.TB, text string) {
	t.Helper()
	if n, err := p.conn.Write([]byte(text)); err != nil || n != len(text) {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

// ahead is what is spoken before the hello: all bytes that a shell may stumble
// over, and what looks like what it waits for.
func ahead() string {
	var b strings.Builder
	for i := range 256 {
		b.WriteByte(byte(i))
	}
	b.WriteString("\nluagw-agent 1x ( ! \\ \n*\n-n\n\xff\xfe\nluagw-agent")
	return b.String()
}

// checkWarm checks that an agent is there, that it runs without being sent, and
// that nothing else is left.
func (h *host) checkWarm(t testing.TB, source one) {
	t.Helper()
	p := h.start(t, source)
	p.write(t, "spoken ahead")
	p.hello(t)
	p.echoes(t, "spoken ahead")
	if p.raw.written != len("spoken ahead") {
		t.Errorf("%d bytes were written, want no more than were spoken", p.raw.written)
	}
	p.conn.Close()
	h.checkLeft(t, filepath.Base(h.file(source)))
}

// checkLeft checks what lies in the cache, beside marks.
func (h *host) checkLeft(t testing.TB, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(h.home, ".cache", "luagw"))
	if err != nil && len(want) > 0 {
		t.Error(err)
	}
	var names []string
	for _, entry := range entries {
		if !isMark(entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	if !slices.Equal(names, want) {
		t.Errorf("in the cache there is %q, want %q", names, want)
	}
}

// checkColdAndWarm does the whole thing.
func (h *host) checkColdAndWarm(t testing.TB, source one) {
	t.Helper()
	p := h.start(t, source)
	p.write(t, ahead())
	p.hello(t)
	p.echoes(t, ahead())
	p.write(t, "later")
	p.echoes(t, "later")
	p.conn.Close()
	h.checkWarm(t, source)
}

// needs skips the test where a program is missing.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
}

// needsRoot skips the test where mounts cannot be made.
func needsRoot(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("mounts are made as Linux does")
	}
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("no mount namespace can be made: %s", bytes.TrimSpace(out))
	}
}

// mounted is a shell that first runs commands in a mount namespace of its own, in
// which the places beside HOME are empty.
func mounted(commands string) []string {
	script := `mount -t tmpfs none /var/tmp && mount -t tmpfs none /dev/shm && chmod 1777 /var/tmp /dev/shm && ` +
		commands + ` && exec sh -c "$1"`
	return []string{"unshare", "-m", "sh", "-c", script, "sh"}
}

// tools makes a directory with links to programs, for PATH.
func tools(t *testing.T, names ...string) string {
	t.Helper()
	return toolsIn(t, t.TempDir(), names...)
}

func toolsIn(t *testing.T, dir string, names ...string) string {
	t.Helper()
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("%s is not installed", name)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// basic are the programs that the script needs, and those that the echo agent
// does.
var basic = []string{"sh", "ls", "mkdir", "chmod", "mv", "rm", "dd", "wc", "uname", "find", "id", "cat"}

func only(extra ...string) []string { return append(slices.Clone(basic), extra...) }

// rest reads to the end.
func (p *peer) rest(t testing.TB) string {
	t.Helper()
	watch := time.AfterFunc(20*time.Second, func() { p.conn.Close() })
	defer watch.Stop()
	b, err := io.ReadAll(p.conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
