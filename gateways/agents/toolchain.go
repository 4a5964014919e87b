package agents

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Toolchain has the Go toolchain build luagw's plain agent, for the platform
// that is asked for, from luagw's source: that of the checkout in or below
// which this program runs or lies, or of the version that this program was
// built with, in Go's module cache. What was built is kept in the user's cache
// directory until the source changes; one Toolchain looks at that once. The zero
// value is usable.
type Toolchain struct {
	Dir string // luagw's source; found as above if empty

	found sync.Once // sets the following
	src   source
	key   string
	fault error

	mu       sync.Mutex               // guards building
	building map[string]chan struct{} // by platform; holds an element while one builds
}

// Agents implements [Source]. The hash of what has yet to be built is empty.
func (t *Toolchain) Agents() ([]*Agent, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, errors.New("there is no go on the PATH to build one")
	}
	if t.found.Do(t.find); t.fault != nil {
		return nil, t.fault
	}
	all := make([]*Agent, len(platforms))
	for i, p := range platforms {
		name := strings.Join([]string{t.key, p.os, p.arch}, "_")
		hash, _ := theStore().built(name)
		load := func(ctx context.Context) (*Image, error) { return t.load(ctx, name, p.os, p.arch) }
		all[i] = &Agent{OS: p.os, Arch: p.arch, Hash: hash, Origin: "built from " + t.src.dir, Load: load}
	}
	return all, nil
}

func (t *Toolchain) find() {
	if t.src, t.fault = findSource(t.Dir); t.fault == nil {
		t.key, t.fault = t.src.key()
	}
}

// load returns what is built, or builds it. Of many that want the same, one
// builds, and the next takes over if that gives up.
func (t *Toolchain) load(ctx context.Context, name, goos, goarch string) (*Image, error) {
	turn := t.turn(name)
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("the agent for %s/%s is still being built: %w", goos, goarch, context.Cause(ctx))
	}
	if hash, ok := theStore().built(name); ok {
		if image, err := theStore().image(hash); err == nil {
			return image, nil
		}
	}
	image, err := t.src.build(ctx, goos, goarch)
	if err != nil {
		return nil, err
	}
	theStore().keepBuilt(name, image)
	return image, nil
}

func (t *Toolchain) turn(name string) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.building == nil {
		t.building = map[string]chan struct{}{}
	}
	if t.building[name] == nil {
		t.building[name] = make(chan struct{}, 1)
	}
	return t.building[name]
}

// build has the toolchain build the agent, as make does, but without the commit
// in it, which changes more often than what is built. It is interrupted when
// ctx ends, but the packages that are compiled by then stay in its cache.
func (src source) build(ctx context.Context, goos, goarch string) (*Image, error) {
	env, flags, err := src.recipe()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "luagw-agent-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, agentName)
	args := slices.Concat([]string{"build", "-buildvcs=false", "-o", out}, flags, []string{"./cmd/" + agentName})
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = src.dir
	cmd.Env = slices.Concat(os.Environ(), env, []string{"GOOS=" + goos, "GOARCH=" + goarch, "GOFLAGS=", "GOWORK=off"})
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 2 * time.Second
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, buildError(ctx, goos, goarch, output, err)
	}
	executable, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	return compress(executable, gzip.DefaultCompression)
}

func buildError(ctx context.Context, goos, goarch string, output []byte, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("build the agent for %s/%s: not done in time: %w", goos, goarch, context.Cause(ctx))
	}
	const most = 2 << 10
	output = bytes.TrimSpace(output)
	if len(output) > most {
		output = output[len(output)-most:]
	}
	return fmt.Errorf("build the agent for %s/%s: go build: %w: %s", goos, goarch, err, output)
}
