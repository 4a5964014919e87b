package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// newPythonBench is a bench that has nothing but one peer in Python, which may be
// missing on this machine; then the test is skipped.
func newPythonBench(t *testing.T, p peer) *bench {
	b := &bench{dir: t.TempDir(), python: map[peer]*pythonPeer{}}
	if err := os.CopyFS(b.dir, pythonSources); err != nil {
		t.Fatal(err)
	}
	started, err := startPython(t.Context(), b.dir, p, "")
	if err != nil && !hasLibrary(t, p) {
		t.Skipf("no %s here: %v", p, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.python[p] = started
	t.Cleanup(func() {
		started.close()
		for _, close := range slices.Backward(b.closers) {
			close()
		}
	})
	return b
}

// hasLibrary asks the Pythons that startPython does, without the bench's
// programs.
func hasLibrary(t *testing.T, p peer) bool {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		cmd := exec.Command(python, "-c", "import "+string(p))
		cmd.Dir = t.TempDir()
		if cmd.Run() == nil {
			return true
		}
	}
	return false
}

// The peers check all answers themselves: a figure stands for right ones.
func TestPythonJobs(t *testing.T) {
	for _, p := range rivals {
		t.Run(string(p), func(t *testing.T) {
			b := newPythonBench(t, p)
			for _, j := range slices.Concat(jobs(), sshJobs()) {
				start := j.starter(p)
				if start == nil {
					continue
				}
				t.Run(j.name, func(t *testing.T) {
					if j.unit == size && runtime.GOOS != "linux" {
						t.Skip("memory is read from /proc")
					}
					r, err := start(t.Context(), b)
					if errors.Is(err, errors.ErrUnsupported) {
						t.Skip(err)
					}
					if err != nil {
						t.Fatal(err)
					}
					defer r.close()
					r.n = 8
					if strings.Contains(j.name, "open a gateway") {
						r.n = 1
					}
					for range 2 { // the second with the gateway of the first
						if figure, err := r.once(t.Context()); err != nil || figure <= 0 {
							t.Errorf("got %v and %v, want a figure", figure, err)
						}
					}
				})
			}
		})
	}
}

func TestPythonPeerGoesOnAfterAnError(t *testing.T) {
	for _, p := range rivals {
		t.Run(string(p), func(t *testing.T) {
			python := newPythonBench(t, p).python[p]
			if _, err := python.do(t.Context(), "sing", 1); err == nil || !strings.Contains(err.Error(), "sing") {
				t.Errorf("got %v, want an error that names the job", err)
			}
			if figure, err := python.do(t.Context(), "execs", 1); err != nil || figure <= 0 {
				t.Errorf("got %v and %v, want a figure", figure, err)
			}
		})
	}
}

// A Python without the library is told of, and leaves the peer out.
func TestPythonWithoutLibrary(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil || runtime.GOOS == "windows" {
		t.Skip("no python3 here, or no sh to run it without its packages")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, pythonSources); err != nil {
		t.Fatal(err)
	}
	bare := filepath.Join(dir, "bare")
	if err := os.WriteFile(bare, []byte("#!/bin/sh\nexec python3 -S \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, p := range rivals {
		t.Run(string(p), func(t *testing.T) {
			_, err := startPython(t.Context(), dir, p, bare)
			if want := "No module named '" + string(p) + "'"; err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("got %v, want %q in it", err, want)
			}
			b := &bench{cfg: &config{rounds: 1}}
			does := func(context.Context, *bench) (*runner, error) {
				return still(func(context.Context) (float64, error) { return 1, nil }), nil
			}
			res := b.measure(t.Context(), &job{unit: size, once: true, luagw: does, execnet: byExecnet.does("open"), mitogen: byMitogen.does("open")})
			if len(res.Figures) != 1 || len(res.Errors) != 0 {
				t.Errorf("got figures %v and errors %v, want only luagw's figure", res.Figures, res.Errors)
			}
		})
	}
}
