//go:build unix

package std

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"

	"github.com/luagw/luagw/internal/proctree"
)

// processGroup is a child and all that it started and that did not leave its
// group. Its methods may be called concurrently.
type processGroup struct {
	id   int
	gone atomic.Bool // found empty once: the number may be another group's by now
}

func newProcessGroup(leader *os.Process) *processGroup { return &processGroup{id: leader.Pid} }

// isolate gives cmd a process group of its own, so that what it starts can be
// ended with it; a whole session if it is to outlive this process.
func isolate(cmd *exec.Cmd, detach bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: !detach, Setsid: detach}
}

// signal sends sig to each process of the group. A group that has ended is
// os.ErrProcessDone.
func (g *processGroup) signal(sig syscall.Signal) error {
	if g.gone.Load() {
		return os.ErrProcessDone
	}
	err := syscall.Kill(-g.id, sig)
	if errors.Is(err, syscall.ESRCH) {
		g.gone.Store(true)
		return os.ErrProcessDone
	}
	return err
}

// alive reports whether a process of the group is left. An orphan of its own
// that this process has adopted and that has ended does not count.
func (g *processGroup) alive() bool {
	if errors.Is(g.signal(0), os.ErrProcessDone) {
		return false
	}
	proctree.ReapGroup(g.id)
	return !errors.Is(g.signal(0), os.ErrProcessDone)
}

// ask asks the group to end, stopped processes too.
func (g *processGroup) ask() {
	_ = g.signal(syscall.SIGTERM)
	_ = g.signal(syscall.SIGCONT)
}

// kill ends the group by force.
func (g *processGroup) kill() { _ = g.signal(syscall.SIGKILL) }

// become makes cmd run as account. Only root may, unless it is the very user
// that this process runs as.
func become(cmd *exec.Cmd, a *account) error {
	if os.Geteuid() == a.uid {
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("run as %q: only root may run commands as another user, and this is uid %d", a.name, os.Geteuid())
	}
	groups := make([]uint32, len(a.groups))
	for i, gid := range a.groups {
		groups[i] = uint32(gid)
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid), Groups: groups}
	return nil
}

// endedBy returns the number and the name of the signal that ended a process,
// 0 if it exited of itself.
func endedBy(state *os.ProcessState) (number int, name string) {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return 0, ""
	}
	return int(status.Signal()), signalName(status.Signal())
}

// shellCommand is how this system's shell is told to run line.
func shellCommand(line string) []string { return []string{"/bin/sh", "-c", line} }

// systemSignals are the signals that only Unix systems have, and number as
// they like.
var systemSignals = entries[string, syscall.Signal]{
	{"SIGCHLD", syscall.SIGCHLD},
	{"SIGCONT", syscall.SIGCONT},
	{"SIGSTOP", syscall.SIGSTOP},
	{"SIGSYS", syscall.SIGSYS},
	{"SIGTSTP", syscall.SIGTSTP},
	{"SIGTTIN", syscall.SIGTTIN},
	{"SIGTTOU", syscall.SIGTTOU},
	{"SIGURG", syscall.SIGURG},
	{"SIGUSR1", syscall.SIGUSR1},
	{"SIGUSR2", syscall.SIGUSR2},
	{"SIGWINCH", syscall.SIGWINCH},
	{"SIGXCPU", syscall.SIGXCPU},
	{"SIGXFSZ", syscall.SIGXFSZ},
}
