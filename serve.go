package luagw

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/luagw/luagw/internal/allow"
	"github.com/luagw/luagw/internal/child"
	"github.com/luagw/luagw/internal/proctree"
	"github.com/luagw/luagw/mux"
)

// ServeVar is the environment variable by which a program that serves as its
// own agent is told to: "stdio".
const ServeVar = child.ServeVar

// endTimeout is how long an agent takes, at the most, to end what its
// fragments have started.
const endTimeout = 2 * time.Second

// agentGC is an agent's GOGC. A fragment's state is garbage when it ends, and
// the heap is small.
const agentGC = 400

// selfServes is set once this program has called ServeIfAgent.
var selfServes atomic.Bool

// ServeIfAgent makes a program its own agent. It is to be called first in
// main. In the process that a gateway has started, it serves as the agent,
// running fragments by r, and does not return; otherwise it returns at once,
// and gateways whose spec names no program will start this very program:
// fragments there find what r has.
func ServeIfAgent(r Runner) {
	if os.Getenv(ServeVar) != "stdio" {
		selfServes.Store(true)
		return
	}
	agent := &Agent{Runner: r, Dial: DialHere}
	os.Exit(agent.ServeProcess(context.Background()))
}

// SelfAgent tells the path of this program if it serves as its own agent.
func SelfAgent() (path string, ok bool) {
	if !selfServes.Load() {
		return "", false
	}
	path, err := os.Executable()
	return path, err == nil
}

// ServeProcess serves as the agent for the near side at this process's standard
// input and output, until it hangs up, and returns the process's exit status.
// The process is the agent's own: settings change its directory, environment
// and niceness, what anything writes to its standard output goes home as
// printed lines, and when it returns, the processes that fragments have started
// are gone. The caller is to exit.
func (a *Agent) ServeProcess(ctx context.Context) int {
	os.Unsetenv(ServeVar) // what it starts is not meant
	ahead := takeAhead()
	if err := allow.Enforce(); err != nil {
		WriteHelloError(os.Stdout, err)
		return 1
	}
	conn, stray, err := mux.Stdio(ahead)
	if err != nil {
		fmt.Fprintln(os.Stderr, "luagw-agent:", err)
		return 1
	}
	proctree.Adopt() // where it cannot be had, orphans are left to init
	agent := *a
	if agent.audit, err = inheritedAudit(); err != nil {
		fmt.Fprintln(os.Stderr, "luagw-agent:", err)
		return 1
	}
	agent.process, agent.procs, agent.stray = true, newProcs(), stray
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(agentGC)
	}
	serveErr := agent.Serve(ctx, conn)

	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	if err := proctree.KillDescendants(ctx, nil, nil); err != nil {
		fmt.Fprintln(os.Stderr, "luagw-agent:", err)
	}
	if serveErr != nil && !errors.Is(serveErr, context.Canceled) {
		fmt.Fprintln(os.Stderr, "luagw-agent:", serveErr)
		return 1
	}
	return 0
}

// takeHome sends home, line by line, what was written to the process's standard
// output by anybody who does not know better. It ends with the connection.
func (s *server) takeHome(stray io.Reader) {
	select {
	case <-s.settled:
	case <-s.conn.ctx.Done():
		return
	}
	lines := bufio.NewReaderSize(stray, 64<<10)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			text := string(line)
			if text[len(text)-1] == '\n' {
				text = text[:len(text)-1]
			}
			if s.conn.sendControl(s.conn.ctx, kindPrint, 0, text) != nil {
				return
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}
