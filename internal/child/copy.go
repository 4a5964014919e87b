package child

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"

	"github.com/luagw/luagw/internal/allow"
	"github.com/luagw/luagw/internal/proctree"
)

// AuditVar is the environment variable by which an agent is told the number of
// the descriptor to which it tells of its fragments.
const AuditVar = "LUAGW_AUDIT"

// audit is that descriptor; nil if there is none. It is this process's, as its
// environment is.
var audit atomic.Pointer[os.File]

// SetAudit has the copies of this program tell of their fragments to f, too.
func SetAudit(f *os.File) { audit.Store(f) }

// Copy is how another copy of this program is started as an agent. Its fragments
// may do what they may here, whatever became of the environment since.
func Copy() (*Command, error) {
	path, err := thisProgram()
	return &Command{
		Path: path, Args: []string{path},
		Env:     []string{ServeVar + "=stdio", allow.Var + "=" + allow.Here().String()},
		Session: true, Setup: bind,
	}, err
}

// bind holds a copy to what binds this process: its rules, and the descriptor,
// which it inherits.
func bind(cmd *exec.Cmd) {
	keepOut(cmd)
	if f := audit.Load(); f != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
		cmd.Env = append(cmd.Env, AuditVar+"="+strconv.Itoa(2+len(cmd.ExtraFiles)))
	}
}

// ServeOn starts a copy of this program as an agent for whoever is at the other
// end of conn, which remains the caller's to close. It ends when that hangs up,
// or with this process's session; ended is closed when it is reaped.
func ServeOn(conn *os.File) (ended <-chan struct{}, err error) {
	command, err := Copy()
	if err != nil {
		return nil, err
	}
	env := environment(command.Env)
	if cookie := os.Getenv(proctree.CookieVar); cookie != "" {
		env = append(env, proctree.CookieVar+"="+cookie) // whoever ends this process finds its copies by it
	}
	cmd := &exec.Cmd{Path: command.Path, Args: command.Args, Env: env, SysProcAttr: attributes(true)}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = conn, conn, os.Stderr
	command.Setup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, explain(cmd.Path, err)
	}
	done := make(chan struct{})
	go func() { // ends with the process
		defer close(done)
		cmd.Wait() // how it ended, it tells whoever is at the other end
	}()
	return done, nil
}

// runningProgram is this program itself, where the system has such a file.
const runningProgram = "/proc/self/exe"

// thisProgram finds the program that runs, also when the file that it was
// started from has been replaced or removed meanwhile, as an agent's may be that
// has been running for weeks.
func thisProgram() (string, error) {
	path, err := os.Executable()
	running, statErr := os.Stat(runningProgram)
	if statErr != nil {
		if err != nil {
			return "", fmt.Errorf("find this program: %w", err)
		}
		return path, nil
	}
	if file, fileErr := os.Stat(path); err != nil || fileErr != nil || !os.SameFile(file, running) {
		return runningProgram, nil
	}
	return path, nil
}
