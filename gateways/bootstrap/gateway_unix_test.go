//go:build unix

package bootstrap

import (
	"context"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/agents"
)

// realAgent is luagw's own, as the Go toolchain builds it.
func realAgent(t testing.TB) agents.Source {
	t.Helper()
	if testing.Short() {
		t.Skip("short: builds the agent")
	}
	return &agents.Toolchain{}
}

// warmToolchain has the agent built before a test measures anything.
func warmToolchain(t testing.TB, source agents.Source) {
	t.Helper()
	all, err := source.Agents()
	if err != nil {
		t.Skipf("no agent can be built: %v", err)
	}
	for _, agent := range all {
		if agent.OS == runtime.GOOS && agent.Arch == runtime.GOARCH {
			if _, err := agent.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Skipf("no agent can be built for %s/%s", runtime.GOOS, runtime.GOARCH)
}

// dial is what package gateways does for a shell that a command line reaches.
func (h *host) dial(t testing.TB, source agents.Source) luagw.DialFunc {
	b := &Bootstrap{Agents: source}
	return func(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
		line, err := b.Command(spec)
		if err != nil {
			return nil, err
		}
		return b.Start(ctx, spec, &counter{ReadWriteCloser: h.begin(t, line)})
	}
}

// TestGateway opens gateways, the first of which sends the agent.
func TestGateway(t *testing.T) {
	source := realAgent(t)
	warmToolchain(t, source)
	h := &host{home: t.TempDir()}
	for _, state := range []string{"cold", "warm"} {
		t.Run(state, func(t *testing.T) {
			group := &luagw.Group{Dial: h.dial(t, source)}
			defer group.Close()
			began := time.Now()
			gw, err := group.Open(t.Context(), "exec=x")
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("open after %v", time.Since(began))
			results, err := gw.Call(t.Context(), "return 6 * 7")
			if err != nil || len(results) != 1 || results[0] != int64(42) {
				t.Errorf("got %v, %v; want 42", results, err)
			}
			t.Logf("answered after %v", time.Since(began))
		})
	}
}
