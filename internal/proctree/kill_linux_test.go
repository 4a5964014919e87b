package proctree

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asAgent makes the test binary run agentMain.
const asAgent = "PROCTREE_TEST_AGENT"

func TestMain(m *testing.M) {
	if os.Getenv(asAgent) != "" {
		os.Exit(agentMain())
	}
	os.Exit(m.Run())
}

// bounded is a context that ends before the test would be taken for hung.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// start runs cmd and returns the process ids that it prints, one a line, up to
// an empty line. What is left of them is killed in the end.
func start(t *testing.T, cmd *exec.Cmd) (printed []int) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, pid := range append(printed, cmd.Process.Pid) {
			unix.Kill(pid, unix.SIGKILL)
		}
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "" {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil || pid <= 1 {
			t.Fatalf("got line %q, want a process id", lines.Text())
		}
		printed = append(printed, pid)
	}
	return printed
}

func shell(script string, attr *syscall.SysProcAttr, env ...string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", script)
	cmd.SysProcAttr = attr
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

func running(pid int) bool {
	p, ok := look(pid)
	return ok && !p.ended()
}

func checkRunning(t *testing.T, what string, pid int, want bool) {
	t.Helper()
	if got := running(pid); got != want {
		t.Errorf("%s (%d): running = %v, want %v", what, pid, got, want)
	}
}

func TestKillSession(t *testing.T) {
	// set -m gives each job a group of its own, in the same session.
	cmd := shell(`set -m; trap '' TERM; sleep 300 & echo $!; sleep 300 & echo $!; echo; wait`, &syscall.SysProcAttr{Setsid: true})
	members := start(t, cmd)
	other := start(t, shell(`echo $$; echo; exec sleep 300`, &syscall.SysProcAttr{Setsid: true}))
	if err := KillSession(bounded(t), cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	checkRunning(t, "leader", cmd.Process.Pid, false)
	checkRunning(t, "first job", members[0], false)
	checkRunning(t, "second job", members[1], false)
	checkRunning(t, "another session's", other[0], true)
}

func TestKillSessionOfManyForks(t *testing.T) {
	script := `set -m; i=0; while [ $i -lt 100 ]; do (sleep 300 &) & i=$((i+1)); [ $i = 10 ] && echo; done; wait`
	cmd := shell(script, &syscall.SysProcAttr{Setsid: true})
	start(t, cmd)
	if err := KillSession(bounded(t), cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	left, err := find(func(pid int) bool {
		sid, err := unix.Getsid(pid)
		return err == nil && sid == cmd.Process.Pid
	})
	if err != nil || len(left) > 0 {
		t.Errorf("left: %s, %v; want none", names(left), err)
	}
}

func TestKillGroup(t *testing.T) {
	cmd := shell(`sleep 300 & echo $!; setsid sleep 300 & echo $!; echo; wait`, &syscall.SysProcAttr{Setpgid: true})
	members := start(t, cmd)
	if err := KillGroup(bounded(t), cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	checkRunning(t, "leader", cmd.Process.Pid, false)
	checkRunning(t, "member", members[0], false)
}

func TestKillOwn(t *testing.T) {
	sid, err := unix.Getsid(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := KillSession(bounded(t), sid); err == nil {
		t.Error("KillSession of the own session: got no error")
	}
	if err := KillGroup(bounded(t), unix.Getpgrp()); err == nil {
		t.Error("KillGroup of the own group: got no error")
	}
}

func TestKillCookie(t *testing.T) {
	const cookie = "proctree-test-cookie"
	script := `
		setsid sleep 300 </dev/null >/dev/null & echo $!
		(setsid sleep 300 </dev/null >/dev/null & echo $!)
		LUAGW_DETACHED=1 setsid sleep 300 </dev/null >/dev/null & echo $!
		LUAGW_GATEWAY=` + cookie + `0 setsid sleep 300 </dev/null >/dev/null & echo $!
		echo; wait`
	cmd := shell(script, &syscall.SysProcAttr{Setsid: true}, CookieVar+"="+cookie)
	pids := start(t, cmd)
	waitFor(t, "the sleeps to be executed", func() bool {
		return !slices.ContainsFunc(pids, func(pid int) bool { p, _ := look(pid); return p.command != "sleep" })
	})
	if err := KillCookie(bounded(t), cookie); err != nil {
		t.Fatal(err)
	}
	checkRunning(t, "parent", cmd.Process.Pid, false)
	checkRunning(t, "left the session", pids[0], false)
	checkRunning(t, "orphan", pids[1], false)
	checkRunning(t, "detached", pids[2], true)
	checkRunning(t, "other cookie", pids[3], true)
	if err := KillCookie(bounded(t), ""); err == nil {
		t.Error("empty cookie: got no error")
	}
}

// waitFor yields until ok, for what is only to be seen from outside.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx := bounded(t)
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited for %s in vain", what)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestSweepIsBounded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cmd := exec.Command("sleep", "300")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	p, ok := look(cmd.Process.Pid)
	if !ok {
		t.Fatal("the child is not in /proc")
	}
	err := sweep(ctx, func() ([]process, error) { return []process{p}, nil })
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), strconv.Itoa(p.pid)) {
		t.Errorf("got %v, want context.Canceled and the process", err)
	}
}

func TestKillSparesReusedNumber(t *testing.T) {
	child := start(t, exec.Command("sh", "-c", `echo $$; echo; exec sleep 300`))
	p, ok := look(child[0])
	if !ok {
		t.Fatal("the child is not in /proc")
	}
	p.start--
	if err := p.kill(); err != nil {
		t.Fatal(err)
	}
	checkRunning(t, "process with a number used before", p.pid, true)
}

func TestKillDescendants(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asAgent+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("agent: %v: %s", err, out)
	}
	var child, left, orphan, detached, below, kept, owned int
	if _, err := fmt.Sscan(string(out), &child, &left, &orphan, &detached, &below, &kept, &owned); err != nil {
		t.Fatalf("agent printed %q: %v", out, err)
	}
	defer func() {
		for _, pid := range []int{detached, below, kept} {
			unix.Kill(pid, unix.SIGKILL)
		}
	}()
	checkRunning(t, "child", child, false)
	checkRunning(t, "left the session", left, false)
	checkRunning(t, "orphan", orphan, false)
	checkRunning(t, "detached", detached, true)
	checkRunning(t, "below the detached", below, true)
	checkRunning(t, "kept", kept, true)
}

// agentMain adopts, starts processes, kills them, and prints their ids. It
// fails if a child that is owned was reaped or one that is not was left.
func agentMain() int {
	pids, err := agentRun()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for _, pid := range pids {
		fmt.Println(pid)
	}
	return 0
}

func agentRun() ([]int, error) {
	if err := Adopt(); err != nil {
		return nil, err
	}
	tree, pids, err := agentStart(`exec 3>&1 >/dev/null
		sleep 300 & echo $! >&3
		setsid sleep 300 & echo $! >&3
		(sleep 300 & echo $! >&3)
		LUAGW_DETACHED=1 setsid sh -c 'echo $$ >&3; env -u LUAGW_DETACHED sleep 300 3>&- & echo $! >&3; wait' &
		wait`, 5)
	if err != nil {
		return nil, err
	}
	keep, more, err := agentStart(`echo $$; exec sleep 300`, 1)
	if err != nil {
		return nil, err
	}
	pids = append(pids, more...)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = KillDescendants(ctx,
		func(pid int) bool { return pid == keep.Process.Pid },
		func(pid int) bool { return pid == tree.Process.Pid })
	if err != nil {
		return nil, err
	}
	if err := tree.Wait(); err == nil || errors.Is(err, unix.ECHILD) {
		return nil, fmt.Errorf("wait for the owned child: got %v, want signal: killed", err)
	}
	zombies, err := adoptedZombies()
	if err != nil || zombies > 0 {
		return nil, fmt.Errorf("%d zombies left, want none (%v)", zombies, err)
	}
	return append(pids, tree.Process.Pid), nil
}

// agentStart starts a script that prints n process ids.
func agentStart(script string, n int) (*exec.Cmd, []int, error) {
	cmd := exec.Command("sh", "-c", script)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	pids := make([]int, n)
	for i := range pids {
		if _, err := fmt.Fscan(out, &pids[i]); err != nil {
			return nil, nil, err
		}
	}
	return cmd, pids, nil
}

func adoptedZombies() (n int, err error) {
	list, err := pids()
	for _, pid := range list {
		if p, ok := look(pid); ok && p.parent == os.Getpid() && p.ended() {
			n++
		}
	}
	return n, err
}
