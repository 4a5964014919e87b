package std

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

const (
	// killGrace is how long a process group may take to end after SIGTERM.
	killGrace = time.Second

	// killPoll is how often to look whether it has.
	killPoll = 5 * time.Millisecond

	// reapLimit is how long to wait for a child that was killed. Only one
	// that hangs in the kernel takes longer.
	reapLimit = 5 * time.Second
)

var errTimedOut = errors.New("timed out")

// job is a child that was started. Its methods may be called concurrently.
type job struct {
	cmd     *exec.Cmd
	group   *processGroup
	started time.Time

	exited chan struct{} // closed when the child is reaped and its output read
	ended  time.Time     // when that was; valid once exited is closed
	cause  error         // why it was killed, nil if it was not; valid once exited is closed
}

// result tells how a command ended.
type result struct {
	status   int // exit status; 128 and the signal's number if one ended it
	signal   string
	stdout   []byte
	stderr   []byte
	duration time.Duration
	timedOut bool
	group    *processGroup // which may hold what the child left behind
}

// watch kills the job's group when ctx ends, reaps the child, and then calls
// onExit, on a goroutine of its own, which ends with the child.
func (j *job) watch(ctx context.Context, onExit func()) {
	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(killed)
		j.cause = context.Cause(ctx)
		j.group.terminate()
	})
	go func() {
		// The error is told better by the state; pipes held open by others are
		// no failure of the child.
		_ = j.cmd.Wait()
		if !stop() {
			<-killed
		}
		j.ended = time.Now()
		close(j.exited)
		onExit()
	}()
}

// wait waits until the job has ended, which it does soon after ctx does.
func (j *job) wait(ctx context.Context) error {
	select {
	case <-j.exited:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-j.exited:
		return nil
	case <-time.After(killGrace + lingering + reapLimit):
		return fmt.Errorf("process %d does not end: killed %v ago", j.cmd.Process.Pid, reapLimit)
	}
}

// result tells how the job ended. The job must have.
func (j *job) result() *result {
	r := &result{status: j.cmd.ProcessState.ExitCode(), duration: j.ended.Sub(j.started)}
	r.timedOut = errors.Is(j.cause, errTimedOut)
	if number, name := endedBy(j.cmd.ProcessState); number != 0 {
		r.status, r.signal = 128+number, name
	}
	return r
}

// terminate asks the group to end, waits a little, and then ends it by force.
func (g *processGroup) terminate() {
	g.ask()
	for deadline := time.Now().Add(killGrace); g.alive() && time.Now().Before(deadline); {
		time.Sleep(killPoll)
	}
	g.kill()
}

// endWith ends what is left of the group when the fragment ends.
func (g *processGroup) endWith(f *Fragment) {
	if g.alive() {
		f.AtEnd(g.terminate)
	}
}
