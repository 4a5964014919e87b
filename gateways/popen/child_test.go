//go:build unix

package popen

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/child"
	"golang.org/x/sys/unix"
)

// shell is a spec for a small script.
func shell(kind, script string) *luagw.Spec {
	line := "sh -c '" + strings.ReplaceAll(script, "'", `'\''`) + "'"
	if kind == "exec" {
		return &luagw.Spec{Kind: kind, Target: line}
	}
	return &luagw.Spec{Kind: kind, Agent: line}
}

// dial starts a process which is closed in the end.
func dial(t testing.TB, d *Dialer, spec *luagw.Spec) *process {
	t.Helper()
	conn, err := d.Dial(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*process)
}

// output is what a process writes until it ends.
func output(t *testing.T, d *Dialer, spec *luagw.Spec) string {
	t.Helper()
	c := dial(t, d, spec)
	out, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// within fails the test if f takes as long as a hang.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s hangs", what)
	}
}

func exitWithin(t *testing.T, c *process) luagw.Exit {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return c.Exit(ctx)
}

func TestEcho(t *testing.T) {
	for _, kind := range []string{"popen", "exec"} {
		t.Run(kind, func(t *testing.T) {
			c := dial(t, &Dialer{}, shell(kind, "exec cat"))
			item := []byte(strings.Repeat("0123456789abcdef", 1<<16)) // more than pipes hold
			go c.Write(item)
			got := make([]byte, len(item))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != string(item) {
				t.Errorf("got other bytes than were sent, or %v", err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestExit(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		want         luagw.Exit
	}{
		{"in order", "exit 0", luagw.Exit{}},
		{"with a message", "echo no such thing >&2; exit 3", luagw.Exit{Code: 3, Stderr: "no such thing\n"}},
		{"by SIGKILL", "kill -KILL $$", luagw.Exit{Code: -1, Signal: "killed"}},
		{"by SIGTERM", "echo bye >&2; kill $$", luagw.Exit{Code: -1, Signal: "terminated", Stderr: "bye\n"}},
	} {
		for _, kind := range []string{"popen", "exec"} {
			t.Run(kind+" "+tt.name, func(t *testing.T) {
				c := dial(t, &Dialer{}, shell(kind, tt.script))
				if got := exitWithin(t, c); got != tt.want {
					t.Errorf("got %+v, want %+v", got, tt.want)
				}
				if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("Read = %d, %v; want 0, EOF", n, err)
				}
				if _, err := c.Write([]byte("x")); !errors.Is(err, unix.EPIPE) {
					t.Errorf("Write: got %v, want EPIPE", err)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				if got := exitWithin(t, c); got != tt.want {
					t.Errorf("after Close: got %+v, want %+v", got, tt.want)
				}
			})
		}
	}
}

func TestExitOfLiving(t *testing.T) {
	c := dial(t, &Dialer{}, shell("popen", "echo here >&2; echo; exec cat"))
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := c.Exit(ctx); got.Code != -1 || got.Signal != "" {
		t.Errorf("got %+v, want code -1 and no signal", got)
	}
}

func TestOutputIsReadAfterTheEnd(t *testing.T) {
	c := dial(t, &Dialer{}, shell("popen", "echo last words"))
	exitWithin(t, c)
	out, err := io.ReadAll(c)
	if string(out) != "last words\n" || err != nil {
		t.Errorf("got %q, %v; want the last words", out, err)
	}
}

func TestMuchStderr(t *testing.T) {
	c := dial(t, &Dialer{}, shell("popen", `i=0; while [ $i -lt 16384 ]; do
		printf "%063d\n" $i; i=$((i+1)); done >&2; exit 1`))
	exit := exitWithin(t, c)
	lines := strings.SplitAfter(exit.Stderr, "\n")
	first, last := lines[0], lines[len(lines)-2]
	if want := fmt.Sprintf("%063d\n", 16383); last != want {
		t.Errorf("last line: got %q, want %q", last, want)
	}
	if len(exit.Stderr) > child.TailSize || len(exit.Stderr) < child.TailSize-64 || len(first) != 64 {
		t.Errorf("got %d bytes beginning with %q, want up to %d in whole lines", len(exit.Stderr), first, child.TailSize)
	}
}

func TestCloseEndsTheStubborn(t *testing.T) {
	for _, kind := range []string{"popen", "exec"} {
		t.Run(kind, func(t *testing.T) {
			c := dial(t, &Dialer{Grace: 20 * time.Millisecond}, shell(kind,
				`trap "" TERM HUP INT PIPE; sleep 300 & echo $!; while :; do sleep 300; done`))
			pid := readPID(t, bufio.NewReader(c))
			within(t, "Close", func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
			if got := exitWithin(t, c); got.Signal != "killed" {
				t.Errorf("got %+v, want signal killed", got)
			}
			checkGone(t, "what it started", pid)
		})
	}
}

func TestCloseLeavesTime(t *testing.T) {
	c := dial(t, &Dialer{Grace: 20 * time.Second}, shell("popen", `cat; echo cleaned up >&2; exit 7`))
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if got, want := exitWithin(t, c), (luagw.Exit{Code: 7, Stderr: "cleaned up\n"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCloseByMany(t *testing.T) {
	c := dial(t, &Dialer{Grace: 20 * time.Millisecond}, shell("popen", `while :; do sleep 300; done`))
	within(t, "Close", func() {
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				checkGone(t, "child", c.PID())
			})
		}
		all.Wait()
	})
}

func TestCloseInterrupts(t *testing.T) {
	c := dial(t, &Dialer{Grace: 20 * time.Millisecond}, shell("popen", `exec sleep 300`))
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read: got %v, want net.ErrClosed", err)
		}
	})
	all.Go(func() {
		var err error
		for err == nil {
			_, err = c.Write(make([]byte, 1<<20))
		}
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write: got %v, want net.ErrClosed", err)
		}
	})
	within(t, "Close", func() {
		c.Close()
		all.Wait()
	})
}

func TestDeadlines(t *testing.T) {
	c := dial(t, &Dialer{}, shell("popen", `cat >/dev/null`))
	if err := c.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read: got %v, want os.ErrDeadlineExceeded", err)
	}
	if err := c.SetWriteDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write: got %v, want os.ErrDeadlineExceeded", err)
	}
}

func TestStdoutClosed(t *testing.T) {
	c := dial(t, &Dialer{Grace: 20 * time.Millisecond}, shell("popen", `exec >&-; exec sleep 300`))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("Read = %d, %v; want 0, EOF", n, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	checkGone(t, "child", c.PID())
}

func TestSessionOrGroup(t *testing.T) {
	ours, err := unix.Getsid(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"popen", "exec"} {
		t.Run(kind, func(t *testing.T) {
			c := dial(t, &Dialer{}, shell(kind, "exec cat"))
			pid := c.PID()
			group, err := unix.Getpgid(pid)
			if err != nil || group != pid {
				t.Errorf("group = %d, %v; want its own, %d", group, err, pid)
			}
			want := ours
			if kind == "popen" {
				want = pid
			}
			if session, err := unix.Getsid(pid); err != nil || session != want {
				t.Errorf("session = %d, %v; want %d", session, err, want)
			}
		})
	}
}

// readPID reads a line with a process id.
func readPID(t *testing.T, r *bufio.Reader) (pid int) {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(line, &pid); err != nil || pid <= 1 {
		t.Fatalf("got line %q, want a process id", line)
	}
	return pid
}
