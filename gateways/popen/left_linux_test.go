package popen

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// state returns the letter that /proc has for a process; 0 if it is gone.
func state(pid int) byte {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return stat[bytes.LastIndexByte(stat, ')')+2]
}

func checkGone(t *testing.T, what string, pid int) {
	t.Helper()
	if s := state(pid); s != 0 && s != 'Z' { // a zombie is for init to reap
		t.Errorf("%s (%d) is still there, in state %c", what, pid, s)
	}
}

// TestKilledFromOutside kills an agent that has no chance to clean up.
func TestKilledFromOutside(t *testing.T) {
	c := dial(t, &Dialer{}, shell("popen", `
		sleep 300 & echo $!
		setsid sleep 300 & echo $!
		(setsid sh -c "sleep 300; :" </dev/null >/dev/null 2>&1 & echo $!)
		LUAGW_DETACHED=1 setsid sh -c "exec >/dev/null 2>&1; echo ready >&3; exec sleep 300" 3>&1 & echo $!
		wait`))
	out := bufio.NewScanner(c)
	var pids []int
	for ready := false; !ready || len(pids) < 4; {
		if !out.Scan() {
			t.Fatalf("output ended: %v", out.Err())
		}
		if pid, err := strconv.Atoi(out.Text()); err == nil {
			pids = append(pids, pid)
			continue
		}
		ready = true
	}
	defer unix.Kill(pids[3], unix.SIGKILL)
	if err := unix.Kill(c.PID(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := exitWithin(t, c); got.Code != -1 || got.Signal != "killed" {
		t.Errorf("got %+v, want code -1 and signal killed", got)
	}
	checkGone(t, "in its session", pids[0])
	checkGone(t, "has left its session", pids[1])
	checkGone(t, "orphan", pids[2])
	if s := state(pids[3]); s == 0 || s == 'Z' {
		t.Errorf("detached (%d) is gone, want it spared", pids[3])
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestLeftInOrder: an agent which ends in order still leaves nothing in its
// session.
func TestLeftInOrder(t *testing.T) {
	for _, kind := range []string{"popen", "exec"} {
		t.Run(kind, func(t *testing.T) {
			c := dial(t, &Dialer{}, shell(kind, `sleep 300 & echo $!; exit 0`))
			pid := readPID(t, bufio.NewReader(c))
			if got := exitWithin(t, c); got.Code != 0 || got.Signal != "" {
				t.Errorf("got %+v, want code 0", got)
			}
			checkGone(t, "what it left", pid)
		})
	}
}

// TestStderrHeldOpen: what is meant to stay may hold the standard error open,
// and nobody waits for it.
func TestStderrHeldOpen(t *testing.T) {
	c := dial(t, &Dialer{}, shell("popen", `setsid sleep 300 & echo $!; cat; echo bye >&2`))
	pid := readPID(t, bufio.NewReader(c))
	defer unix.Kill(pid, unix.SIGKILL)
	within(t, "Close", func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if got := exitWithin(t, c); got.Code != 0 || got.Stderr != "bye\n" {
		t.Errorf("got %+v, want code 0 and bye", got)
	}
}

func TestStopped(t *testing.T) {
	c := dial(t, &Dialer{Grace: 20 * time.Millisecond}, shell("popen", `exec cat`))
	if err := unix.Kill(c.PID(), unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	checkGone(t, "child", c.PID())
}

// TestNothingIsLeft opens and closes many times.
func TestNothingIsLeft(t *testing.T) {
	times := 1000
	if testing.Short() {
		times = 50
	}
	files, goroutines := openFiles(t), runtime.NumGoroutine()
	var pids sync.Map
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range times / 4 {
				kind := []string{"popen", "exec"}[i%2]
				conn, err := (&Dialer{}).Dial(t.Context(), shell(kind, "exec cat"))
				if err != nil {
					t.Error(err)
					return
				}
				pids.Store(conn.(*process).PID(), true)
				if err := conn.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	checkSettles(t, "open files", files, func() int { return openFiles(t) })
	checkSettles(t, "goroutines", goroutines, runtime.NumGoroutine)
	pids.Range(func(pid, _ any) bool {
		if isOwnZombie(pid.(int)) {
			t.Errorf("%d is a zombie", pid)
		}
		return true
	})
}

func TestFailedStartLeavesNothing(t *testing.T) {
	garbage := write(t, t.TempDir(), "garbage", "\x00\x01", 0o755)
	files, goroutines := openFiles(t), runtime.NumGoroutine()
	for range 50 {
		spec := shell("exec", "")
		spec.Target = garbage
		if conn, err := (&Dialer{}).Dial(t.Context(), spec); err == nil {
			conn.Close()
			t.Fatal("got a connection, want an error")
		}
	}
	checkSettles(t, "open files", files, func() int { return openFiles(t) })
	checkSettles(t, "goroutines", goroutines, runtime.NumGoroutine)
}

// checkSettles waits for a count to come back to what it was: a goroutine is
// counted for a moment after the last thing that it did.
func checkSettles(t *testing.T, what string, want int, count func() int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	got := count()
	for got > want && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
		got = count()
	}
	if got > want {
		t.Errorf("%d %s, want %d as before", got, what, want)
	}
}

// isOwnZombie says whether a process is a child of the tests that nobody has
// reaped. The number of one that was may be another's by now.
func isOwnZombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return fields[0] == "Z" && fields[1] == strconv.Itoa(os.Getpid())
}

func openFiles(t *testing.T) int {
	t.Helper()
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(dir)
}
