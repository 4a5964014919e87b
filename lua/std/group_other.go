//go:build !unix

package std

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
)

// processGroup is a child. This system has no process groups to signal, so
// what the child started is not ended with it.
type processGroup struct {
	leader *os.Process
	gone   atomic.Bool // the child has ended
}

func newProcessGroup(leader *os.Process) *processGroup { return &processGroup{leader: leader} }

func isolate(cmd *exec.Cmd, _ bool) { cmd.SysProcAttr = &syscall.SysProcAttr{} }

// signal can do nothing but kill here. A child that has ended is
// os.ErrProcessDone.
func (g *processGroup) signal(sig syscall.Signal) error {
	if sig != syscall.SIGKILL && sig != syscall.SIGTERM {
		return fmt.Errorf("signal %s cannot be sent on %s", signalName(sig), runtime.GOOS)
	}
	err := g.leader.Kill()
	if err != nil {
		g.gone.Store(true)
		return os.ErrProcessDone
	}
	return nil
}

func (g *processGroup) alive() bool { return !g.gone.Load() }

// ask ends the child by force: there is no way to ask.
func (g *processGroup) ask() { g.kill() }

func (g *processGroup) kill() {
	_ = g.leader.Kill()
	g.gone.Store(true)
}

func become(_ *exec.Cmd, a *account) error {
	return fmt.Errorf("run as %q: not possible on %s", a.name, runtime.GOOS)
}

func endedBy(*os.ProcessState) (number int, name string) { return 0, "" }

// shellCommand is how this system's shell is told to run line.
func shellCommand(line string) []string { return []string{"cmd.exe", "/c", line} }

// systemSignals are the signals that this system has beyond the common ones.
var systemSignals entries[string, syscall.Signal]
