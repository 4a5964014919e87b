package popen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/proctree"
)

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

var _ luagw.Exiter = (*child)(nil)

// child is a started process as a connection. All methods may be called
// concurrently.
//
// It owns two goroutines. watch waits for the process to end and ends with it,
// at the latest after twice sweepTime and drainTime; drain reads its standard error
// and ends when that is closed by all, or by watch's order. Whoever has seen
// ended closed knows that both are done.
type child struct {
	cmd     *exec.Cmd
	in, out *os.File // our ends of its standard input and output
	stderr  *os.File // our end; closed by watch
	session bool     // it leads a session, or else a process group
	cookie  string   // in its environment; empty if it has none
	grace   time.Duration

	drained chan struct{} // closed by drain
	tail    tail          // what drain has read

	ended chan struct{} // closed by watch; what follows is set before
	exit  luagw.Exit
	left  error // why something of it may be left
}

// start starts p.
func (p *program) start(grace time.Duration) (*child, error) {
	c := &child{
		session: p.session, grace: grace,
		drained: make(chan struct{}), ended: make(chan struct{}),
	}
	env := p.env
	if p.session {
		c.cookie = newCookie()
		env = append([]string{proctree.CookieVar + "=" + c.cookie}, env...)
	}
	c.cmd = &exec.Cmd{Path: p.path, Args: p.args, Env: environment(env), SysProcAttr: attributes(p.session)}
	if err := c.spawn(); err != nil {
		return nil, err
	}
	go c.drain()
	go c.watch()
	return c, nil
}

// newCookie returns a word unlike all others. It need not be hard to guess:
// who can write it into a process's environment could as well kill it.
func newCookie() string { return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) }

// spawn makes the pipes and starts the process. The pipes are our own, and not
// those of exec.Cmd, whose Wait closes them before all is read.
func (c *child) spawn() (err error) {
	var ours, theirs []*os.File
	defer func() {
		closeAll(theirs)
		if err != nil {
			closeAll(ours)
		}
	}()
	pipe := func() (r, w *os.File) {
		if err == nil {
			r, w, err = os.Pipe()
		}
		return r, w
	}
	stdin, in := pipe()
	out, stdout := pipe()
	diag, stderr := pipe()
	ours, theirs = []*os.File{in, out, diag}, []*os.File{stdin, stdout, stderr}
	if err != nil {
		return fmt.Errorf("make a pipe: %w", err)
	}
	enlarge(in)
	enlarge(out)
	c.in, c.out, c.stderr = in, out, diag
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = stdin, stdout, stderr
	if err := c.cmd.Start(); err != nil {
		return explain(c.cmd.Path, err)
	}
	return nil
}

// closeAll closes files, some of which may be nil, which have nothing to lose.
func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// drain reads the standard error into the tail.
func (c *child) drain() {
	defer close(c.drained)
	io.Copy(&c.tail, c.stderr) // the end of the process tells more than an error of this
}

// watch sees the process to its end.
func (c *child) watch() {
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
func (c *child) sweep() error {
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
func (c *child) sweepStray() error {
	ctx, cancel := context.WithTimeout(context.Background(), sweepTime)
	defer cancel()
	return proctree.KillCookie(ctx, c.cookie)
}

func exitOf(state *os.ProcessState, stderr string) luagw.Exit {
	exit := luagw.Exit{Code: -1, Stderr: stderr}
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
func (c *child) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	return n, c.fault("read from", err)
}

// Write writes to the child's standard input.
func (c *child) Write(p []byte) (int, error) {
	n, err := c.in.Write(p)
	return n, c.fault("write to", err)
}

// SetReadDeadline sets when Read gives up, with os.ErrDeadlineExceeded.
func (c *child) SetReadDeadline(t time.Time) error { return c.out.SetReadDeadline(t) }

// SetWriteDeadline sets when Write gives up, with os.ErrDeadlineExceeded.
func (c *child) SetWriteDeadline(t time.Time) error { return c.in.SetWriteDeadline(t) }

// fault names the program, where the file of a pipe has no name that anybody
// knows.
func (c *child) fault(verb string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if errors.Is(err, fs.ErrClosed) {
		return luagw.ErrClosed
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return fmt.Errorf("%s %q: %w", verb, c.cmd.Path, err)
}

// Close closes the connection and sees the process to its end; see Dial.
func (c *child) Close() error {
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
func (c *child) endsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.ended:
		return true
	case <-timer.C:
		return false
	}
}

// Exit implements [luagw.Exiter]. When ctx ends first, it has what the child
// has written so far.
func (c *child) Exit(ctx context.Context) luagw.Exit {
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
