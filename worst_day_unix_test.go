//go:build unix

package luagw_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/mux"
)

func kill(t *testing.T, pid int) { killWith(t, pid, "KILL") }

func killWith(t *testing.T, pid int, name string) {
	t.Helper()
	signals := map[string]syscall.Signal{"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "STOP": syscall.SIGSTOP}
	if err := syscall.Kill(pid, signals[name]); err != nil {
		t.Fatal(err)
	}
}

func TestAgentKilled(t *testing.T) {
	d := popenBed(t).doomed("", "sleep_forever.lua")
	kill(t, d.gw.Info().PID)
	d.lost(2*time.Second, func(lost *luagw.GatewayLostError) bool {
		return lost.Signal == "killed" && lost.ID == d.gw.ID()
	})
}

func TestAgentDiesOfItself(t *testing.T) {
	d := popenBed(t).doomed("", "loop_forever.lua")
	killWith(t, d.gw.Info().PID, "TERM")
	d.lost(2*time.Second, func(lost *luagw.GatewayLostError) bool { return lost.Signal == "terminated" })
}

func TestAgentStopped(t *testing.T) {
	b := popenBed(t)
	d := b.doomed("//keepalive=200ms", "sleep_forever.lua")
	killWith(t, d.gw.Info().PID, "STOP")
	d.lost(5*time.Second, func(lost *luagw.GatewayLostError) bool { return errors.Is(lost, mux.ErrStalled) })
}

func init() { helpers["near"] = nearSide }

// nearSide is a near side that will be killed: it opens a gateway whose
// fragment starts processes that would stay, and prints all their ids.
func nearSide() {
	ctx := context.Background()
	g := &luagw.Group{Dial: gateways.Dial}
	gw, err := g.Open(ctx, "popen")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	c, err := gw.RemoteExecFile(ctx, testFragments, "start_processes.lua")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	pids := []string{strconv.Itoa(gw.Info().PID)}
	for range 3 {
		pid, err := luagw.ReceiveAs[string](ctx, c)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		pids = append(pids, strings.TrimSpace(pid))
	}
	fmt.Println(strings.Join(pids, " "))
	c.Wait(ctx)
}

// When the near side is killed, everything that it started goes: the agent, and
// the processes of fragments, in the background and in sessions of their own.
func TestNearSideKilled(t *testing.T) {
	near := exec.Command(os.Args[0])
	near.Env = append(os.Environ(), helperVar+"=near")
	near.Stderr = os.Stderr
	out, err := near.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := near.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pids := numbers(t, line)
	if err != nil || len(pids) != 4 {
		t.Fatalf("the near side says %q, %v", line, err)
	}
	for _, pid := range pids {
		if !alive(pid) {
			t.Errorf("process %d does not run before", pid)
		}
	}
	kill(t, near.Process.Pid)
	near.Wait()
	for _, pid := range pids {
		await(t, fmt.Sprintf("process %d to end", pid), 5*time.Second, func() bool { return !alive(pid) })
	}
}

func numbers(t *testing.T, line string) (list []int) {
	t.Helper()
	for _, word := range strings.Fields(line) {
		n, err := strconv.Atoi(word)
		if err != nil {
			t.Fatalf("got %q, want numbers", line)
		}
		list = append(list, n)
	}
	return list
}

// The same when the gateway is closed, or its agent killed.
func TestProcessesEndWithTheirGateway(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, gw *luagw.Gateway)
	}{
		{"closed", func(t *testing.T, gw *luagw.Gateway) { gw.Close() }},
		{"agent killed", func(t *testing.T, gw *luagw.Gateway) { kill(t, gw.Info().PID); <-gw.Done() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := popenBed(t)
			c := b.exec("start_processes.lua")
			var pids []int
			for range 3 {
				pid, err := luagw.ReceiveAs[string](b.ctx, c)
				if err != nil {
					t.Fatal(err)
				}
				pids = append(pids, numbers(t, pid)...)
			}
			tt.end(t, b.gw)
			for _, pid := range pids {
				await(t, fmt.Sprintf("process %d to end", pid), 5*time.Second, func() bool { return !alive(pid) })
			}
		})
	}
}
