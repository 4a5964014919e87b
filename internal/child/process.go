// Package child starts processes as the far ends of connections and sees them
// to their end, with all that they leave behind.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/luagw/luagw/internal/busy"
	"github.com/luagw/luagw/internal/proctree"
)

// ServeVar is the environment variable by which a program that serves as its
// own agent is told to: "stdio".
const ServeVar = "LUAGW_SERVE"

// DefaultGrace is how long a child may take to end after its connection was
// closed.
const DefaultGrace = 2 * time.Second

const (
	// killTime bounds all that comes after the grace: sweepTime twice,
	// drainTime, and the kernel's.
	killTime = 3 * time.Second

	// sweepTime bounds the end of what a child leaves in its session or
	// group, and then of what has left that.
	sweepTime = time.Second

	// drainTime bounds the reading of a standard error that somebody else
	// keeps open when the child has ended.
	drainTime = 200 * time.Millisecond
)

// Command is what is to be started.
type Command struct {
	Path    string
	Args    []string      // the first is its name
	Env     []string      // added to the environment that it inherits
	Session bool          // it leads a session, or else a process group
	Sockets bool          // its standard input and output are sockets where these are faster than pipes, for who does not open them by a name
	Grace   time.Duration // DefaultGrace if zero
	Stderr  io.Writer     // gets its standard error as it comes, on another goroutine; nil for nobody

	// Setup changes what is about to be started: its directory, user, further
	// descriptors, and the environment, but for the word by which Session
	// finds it again. Nil for nothing to change.
	Setup func(*exec.Cmd)
}

// Exit tells how a process ended.
type Exit struct {
	Code   int    // its exit status; -1 if a signal ended it or it is not known
	Signal string // that ended it, for instance "killed"; empty if none
	Stderr string // the last that it wrote to its standard error
}

// Process is a started process as a connection: its standard input and output.
// All methods may be called concurrently.
//
// It owns two goroutines. watch waits for the process to end and ends with it,
// at the latest after twice sweepTime and drainTime; drain reads its standard error
// and ends when that is closed by all, or by watch's order. Whoever has seen
// ended closed knows that both are done.
type Process struct {
	cmd     *exec.Cmd
	in, out *os.File     // our ends of its standard input and output
	soon    *busy.Reader // of out
	room    *busy.Writer // of in
	stderr  *os.File     // our end; closed by watch
	sockets bool         // it gets sockets for pipes
	session bool         // it leads a session, or else a process group
	cookie  string       // in its environment; empty if it has none
	grace   time.Duration

	drained chan struct{} // closed by drain
	tail    Tail          // what drain has read

	ended chan struct{} // closed by watch; what follows is set before
	exit  Exit
	left  error // why something of it may be left
}

// Start starts a process. It inherits the environment, without the variables
// that say what this process itself was started for. With Session no key
// pressed at a terminal reaches it, and what it starts is found wherever it
// goes, by a word in its environment.
func Start(command *Command) (*Process, error) {
	c := &Process{
		session: command.Session, sockets: command.Sockets, grace: command.Grace,
		drained: make(chan struct{}), ended: make(chan struct{}),
	}
	if c.grace == 0 {
		c.grace = DefaultGrace
	}
	c.cmd = &exec.Cmd{Path: command.Path, Args: command.Args, Env: environment(command.Env), SysProcAttr: attributes(c.session)}
	if command.Setup != nil {
		command.Setup(c.cmd)
	}
	if c.session {
		c.cookie = newCookie()
		c.cmd.Env = append(c.cmd.Env, proctree.CookieVar+"="+c.cookie)
	}
	if err := c.spawn(); err != nil {
		return nil, err
	}
	c.tail.Watch(command.Stderr)
	go c.drain()
	go c.watch()
	return c, nil
}

// environment returns what a child inherits, and extra. The variables which
// say what this process itself was started for are not handed down: a child of
// a detached process is no detached process.
func environment(extra []string) []string {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == ServeVar || name == proctree.CookieVar || name == proctree.DetachedVar
	})
	return append(env, extra...)
}

// PID is the process's number.
func (c *Process) PID() int { return c.cmd.Process.Pid }

// newCookie returns a word unlike all others. It need not be hard to guess:
// who can write it into a process's environment could as well kill it.
func newCookie() string { return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) }

// spawn makes the pipes and starts the process. The pipes are our own, and not
// those of exec.Cmd, whose Wait closes them before all is read.
func (c *Process) spawn() (err error) {
	var ours, theirs []*os.File
	defer func() {
		closeAll(theirs)
		if err != nil {
			closeAll(ours)
		}
	}()
	lane := func(newLane func(end) (r, w *os.File, err error), ours end) (r, w *os.File) {
		if err == nil {
			r, w, err = newLane(ours)
		}
		return r, w
	}
	large := newPipe
	if c.sockets {
		large = newSocketPipe
	}
	stdin, in := lane(large, writing)
	out, stdout := lane(large, reading)
	diag, stderr := lane(func(end) (r, w *os.File, err error) { return os.Pipe() }, reading)
	ours, theirs = []*os.File{in, out, diag}, []*os.File{stdin, stdout, stderr}
	if err != nil {
		return fmt.Errorf("make a pipe: %w", err)
	}
	c.in, c.room, c.out, c.soon, c.stderr = in, busy.NewWriter(in), out, busy.NewReader(out), diag
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = stdin, stdout, stderr
	if err := c.cmd.Start(); err != nil {
		return explain(c.cmd.Path, err)
	}
	return nil
}

// end is one of the two of a pipe.
type end int

const (
	reading end = iota
	writing
)

// closeAll closes files, some of which may be nil, which have nothing to lose.
func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// drain reads the standard error into the tail.
func (c *Process) drain() {
	defer close(c.drained)
	io.Copy(&c.tail, c.stderr) // the end of the process tells more than an error of this
}

// watch sees the process to its end.
func (c *Process) watch() {
	defer close(c.ended)
	c.left = c.reap()
	state := c.cmd.ProcessState
	if c.cookie != "" && (state == nil || !state.Success()) {
		c.left = errors.Join(c.left, c.sweepStray())
	}
	c.stderr.SetReadDeadline(time.Now().Add(drainTime))
	<-c.drained
	c.stderr.Close()
	c.exit = exitOf(state, c.tail.String())
}

// sweep kills what is left in the session or group.
func (c *Process) sweep() error {
	ctx, cancel := context.WithTimeout(context.Background(), sweepTime)
	defer cancel()
	if c.session {
		return proctree.KillSession(ctx, c.cmd.Process.Pid)
	}
	return proctree.KillGroup(ctx, c.cmd.Process.Pid)
}

// sweepStray kills what has left the session. Only an agent that did not end
// in order, and so has not done it itself, makes this worth a look at every
// process there is.
func (c *Process) sweepStray() error {
	ctx, cancel := context.WithTimeout(context.Background(), sweepTime)
	defer cancel()
	return proctree.KillCookie(ctx, c.cookie)
}

func exitOf(state *os.ProcessState, stderr string) Exit {
	exit := Exit{Code: -1, Stderr: stderr}
	if state == nil {
		return exit
	}
	exit.Code = state.ExitCode()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		exit.Signal = status.Signal().String()
	}
	return exit
}

// Read reads from the child's standard output.
func (c *Process) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	return n, c.fault("read from", err)
}

// Write writes to the child's standard input.
func (c *Process) Write(p []byte) (int, error) {
	n, err := c.in.Write(p)
	return n, c.fault("write to", err)
}

// Poll reads what arrives within d, without going to sleep. What it does not tell
// Read does.
func (c *Process) Poll(p []byte, d time.Duration) int { return c.soon.Poll(p, d) }

// PollWrite writes what the child takes without going to sleep. What it does not
// tell Write does.
func (c *Process) PollWrite(p []byte, d time.Duration) int { return c.room.PollWrite(p, d) }

// SetReadDeadline sets when Read gives up, with os.ErrDeadlineExceeded.
func (c *Process) SetReadDeadline(t time.Time) error { return c.out.SetReadDeadline(t) }

// SetWriteDeadline sets when Write gives up, with os.ErrDeadlineExceeded.
func (c *Process) SetWriteDeadline(t time.Time) error { return c.in.SetWriteDeadline(t) }

// fault names the program, where the file of a pipe has no name that anybody
// knows.
func (c *Process) fault(verb string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if errors.Is(err, fs.ErrClosed) {
		return net.ErrClosed
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return fmt.Errorf("%s %q: %w", verb, c.cmd.Path, err)
}

// WatchStderr has w get what the process has written to its standard error so
// far, as much of it as is kept, and what it will, as it comes; see [Tail.Watch].
func (c *Process) WatchStderr(w io.Writer) { c.tail.Watch(w) }

// CloseWrite closes the process's standard input. Its output goes on.
func (c *Process) CloseWrite() error { return c.in.Close() }

// Close closes the connection and sees the process to its end. On the end of
// its input a process should end by itself; one that does not within the grace
// is killed. Close returns when it is reaped and nothing of its session or
// group is left, or with an error when that takes three seconds more.
func (c *Process) Close() error {
	c.in.Close()
	c.out.Close()
	if c.endsWithin(c.grace) {
		return c.left
	}
	killed := c.cmd.Process.Kill()
	if c.endsWithin(killTime) {
		return c.left
	}
	if errors.Is(killed, os.ErrProcessDone) {
		killed = nil
	}
	err := fmt.Errorf("close %q: process %d is still there after %v", c.cmd.Path, c.cmd.Process.Pid, c.grace+killTime)
	return errors.Join(err, killed)
}

// endsWithin waits for the end of it all.
func (c *Process) endsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.ended:
		return true
	case <-timer.C:
		return false
	}
}

// Exit implements [Exiter]. When ctx ends first, it has what the child
// has written so far.
func (c *Process) Exit(ctx context.Context) Exit {
	select {
	case <-c.ended:
		return c.exit
	default:
	}
	select {
	case <-c.ended:
		return c.exit
	case <-ctx.Done():
		return exitOf(nil, c.tail.String())
	}
}
