package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua"
)

// still is a figure that needs no preparation.
func still(measure func(ctx context.Context) (float64, error)) *runner {
	return &runner{
		measure: func(ctx context.Context, _ int) (float64, error) { return measure(ctx) },
		close:   func() {},
	}
}

func agentSize(_ context.Context, b *bench) (*runner, error) {
	return still(func(context.Context) (float64, error) {
		info, err := os.Stat(b.agent)
		if err != nil {
			return 0, err
		}
		return float64(info.Size()), nil
	}), nil
}

// agentGzip is how many bytes travel to a host that has no agent.
func agentGzip(_ context.Context, b *bench) (*runner, error) {
	return still(func(context.Context) (float64, error) {
		program, err := os.ReadFile(b.agent)
		if err != nil {
			return 0, err
		}
		var n counter
		zip, err := gzip.NewWriterLevel(&n, gzip.BestCompression)
		if err != nil {
			return 0, err
		}
		_, err = zip.Write(program)
		return float64(n), errors.Join(err, zip.Close())
	}), nil
}

// counter counts the bytes written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// agentMemory is the resident memory of a fresh agent that has run one
// fragment.
func agentMemory(_ context.Context, b *bench) (*runner, error) {
	if runtime.GOOS != "linux" {
		return nil, errors.ErrUnsupported // memory is read from /proc
	}
	return still(func(ctx context.Context) (float64, error) {
		run, err := onGateway(func(ctx context.Context, gw *luagw.Gateway, _ int) (float64, error) {
			if err := runOne(ctx, gw); err != nil {
				return 0, err
			}
			return resident(gw.Info().PID)
		})(ctx, b)
		if err != nil {
			return 0, err
		}
		defer run.close()
		return run.measure(ctx, 1)
	}), nil
}

// resident is the memory that a process holds, in bytes.
func resident(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0, fmt.Errorf("no VmRSS of process %d", pid)
	}
	n, err := strconv.Atoi(fields[0])
	return float64(n) * kib, err
}

const (
	// idleVar has the bench open that many gateways and tell what they take:
	// in a process of its own, where nothing else was allocated.
	idleVar = "LUAGW_BENCH_IDLE"

	idleCount = 10_000
)

// idleGateways is what one of many gateways to this very process takes.
func idleGateways(context.Context, *bench) (*runner, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return still(func(ctx context.Context) (float64, error) {
		cmd := exec.CommandContext(ctx, self)
		cmd.Env = append(os.Environ(), idleVar+"="+strconv.Itoa(idleCount))
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return 0, fmt.Errorf("open %d gateways: %w", idleCount, err)
		}
		return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	}), nil
}

// idleWanted says whether this process is to be the one that idleGateways
// starts, and for how many.
func idleWanted() (n int, ok bool) {
	n, err := strconv.Atoi(os.Getenv(idleVar))
	return n, err == nil && n > 0
}

// serveIdle opens n gateways in this process and writes the bytes that each
// takes.
func serveIdle(n int, out io.Writer) error {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	before := held()
	var last *luagw.Gateway
	for range n {
		gw, err := group.Open(ctx, "popen")
		if err != nil {
			return err
		}
		last = gw
	}
	each := (held() - before) / float64(n)
	if err := runOne(ctx, last); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, each)
	return err // the gateways end with the process
}

// held is the memory that this process has from the system, in bytes, without
// what it could give back.
func held() float64 {
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.Sys - stats.HeapReleased)
}
