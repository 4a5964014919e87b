//go:build unix

package bootstrap

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/agents"
)

// opening is a connection to a host as ssh makes it: what is written before it is
// open is kept, and then comes in the environment and in the standard input.
type opening struct {
	opened  chan struct{}
	process io.ReadWriteCloser // once opened is closed
	mu      sync.Mutex         // guards kept
	kept    []byte
}

func (o *opening) Read(p []byte) (int, error) {
	<-o.opened
	return o.process.Read(p)
}

func (o *opening) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.process != nil {
		return o.process.Write(p)
	}
	o.kept = append(o.kept, p...)
	return len(p), nil
}

func (o *opening) Close() error {
	<-o.opened
	return o.process.Close()
}

func (o *opening) Exit(ctx context.Context) luagw.Exit {
	<-o.opened
	return o.process.(luagw.Exiter).Exit(ctx)
}

// open starts the process. change may change what its standard input begins with.
func (o *opening) open(t *testing.T, h *host, line string, change func(kept []byte) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	h.env[AheadVar] = base64.RawURLEncoding.EncodeToString(o.kept)
	o.process = &counter{ReadWriteCloser: h.begin(t, line)}
	if _, err := o.process.Write(change(bytes.Clone(o.kept))); err != nil {
		t.Error(err)
	}
	close(o.opened)
}

// startAhead starts a gateway to a host that is not open yet.
func startAhead(t *testing.T, h *host, source agents.Source) (gw *luagw.Gateway, open func(change func([]byte) []byte)) {
	t.Helper()
	b := &Bootstrap{Agents: source}
	o := &opening{opened: make(chan struct{})}
	var line string
	group := &luagw.Group{Dial: func(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
		var err error
		if line, err = b.Command(spec); err != nil {
			return nil, err
		}
		return b.Start(ctx, spec, o)
	}}
	t.Cleanup(func() { group.Close() })
	gw, err := group.Start(t.Context(), &luagw.Spec{Kind: "exec", Target: "x", Env: map[string]string{"SET": "by the settings"}})
	if err != nil {
		t.Fatal(err)
	}
	return gw, func(change func([]byte) []byte) { o.open(t, h, line, change) }
}

// look is a fragment that leaves a trace of each time that it is run, and tells
// what it and its processes find in the environment.
const look = `
local trace = ...
local f = assert(io.open(trace, "a"))
f:write("once\n")
f:close()
local env = process.run({"env"}).stdout
channel:send(os.getenv("SET"))
channel:send(tostring(os.getenv("LUAGW_AHEAD")) .. tostring(os.getenv("LC_LUAGW")))
channel:send(env)
channel:send(channel:receive())
`

// TestAhead has the real agent act on what comes in the environment, before any
// input, once, and leave no trace of it in the environment.
func TestAhead(t *testing.T) {
	source := realAgent(t)
	warmToolchain(t, source)
	h := &host{home: t.TempDir(), env: map[string]string{}}
	for _, tt := range []struct {
		name  string
		shell []string
	}{
		{"cold", nil},
		{"warm", nil},
		{"a shell in between", []string{"sh", "-c", `sh -c "$0"; exit`}},
		{"without the variable", []string{"sh", "-c", `unset LC_LUAGW; eval "$0"`}},
		{"what the variable has is damaged", []string{"sh", "-c", `LC_LUAGW="$LC_LUAGW/"; eval "$0"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h.shell = tt.shell
			gw, open := startAhead(t, h, source)
			trace := filepath.Join(t.TempDir(), "trace")
			ch, err := gw.RemoteExec(t.Context(), look, trace)
			if err != nil {
				t.Fatal(err)
			}
			open(func(kept []byte) []byte { return kept })
			if err := ch.Send(t.Context(), "sent later"); err != nil {
				t.Error(err)
			}
			checkItems(t, ch, "by the settings", "nilnil", func(env string) bool {
				return strings.Contains(env, "SET=by") && !strings.Contains(env, "LUAGW_AHEAD") && !strings.Contains(env, AheadVar)
			}, "sent later")
			if b, err := os.ReadFile(trace); string(b) != "once\n" {
				t.Errorf("the fragment has left %q, %v; want once", b, err)
			}
		})
	}
}

// checkItems receives all items of a channel: texts, or such that a func takes.
func checkItems(t *testing.T, ch *luagw.Channel, want ...any) {
	t.Helper()
	for _, want := range want {
		item, err := ch.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, _ := item.(string)
		if takes, ok := want.(func(string) bool); ok && !takes(text) || !ok && item != want {
			t.Errorf("got %q, want %v", text, want)
		}
	}
	if item, err := ch.Receive(t.Context()); err != io.EOF {
		t.Errorf("got %v, %v; want the end", item, err)
	}
}

// TestAheadOfNothing has the agent answer though no input comes.
func TestAheadOfNothing(t *testing.T) {
	source := realAgent(t)
	warmToolchain(t, source)
	h := &host{home: t.TempDir(), env: map[string]string{}}
	if gw, open := startAhead(t, h, source); gw != nil { // so that the agent is there
		open(func(kept []byte) []byte { return kept })
		if err := gw.Opened(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	gw, open := startAhead(t, h, source)
	ch, err := gw.RemoteExec(t.Context(), "channel:send('no input'); channel:receive()")
	if err != nil {
		t.Fatal(err)
	}
	open(func([]byte) []byte { return nil })
	if item, err := ch.Receive(t.Context()); item != "no input" {
		t.Errorf("got %v, %v", item, err)
	}
}

// TestOtherAhead: an input that is another than was sent ahead ends the gateway.
func TestOtherAhead(t *testing.T) {
	source := realAgent(t)
	warmToolchain(t, source)
	h := &host{home: t.TempDir(), env: map[string]string{}}
	for _, state := range []string{"cold", "warm"} {
		gw, open := startAhead(t, h, source)
		ch, err := gw.RemoteExec(t.Context(), "channel:receive()")
		if err != nil {
			t.Fatal(err)
		}
		open(func(kept []byte) []byte {
			if state == "warm" {
				kept[len(kept)-1] ^= 1
			}
			return kept
		})
		if state == "cold" { // it is only to bring the agent
			if err := gw.Opened(t.Context()); err != nil {
				t.Fatal(err)
			}
			gw.Close()
			continue
		}
		err = ch.Wait(t.Context()) // the agent may have taken its settings by then, or not
		if err == nil || !strings.Contains(err.Error(), "begins with other bytes than were sent ahead") {
			t.Errorf("got %v, want the reason", err)
		}
	}
}
