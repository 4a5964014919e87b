package proctree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Adopt makes the orphans among this process's descendants its children, for
// as long as it lives, where otherwise they would become init's and be lost to
// [KillDescendants]. Whoever adopts has to [Reap].
func Adopt() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("adopt orphans: %w", err)
	}
	return nil
}

// Reap takes leave of children that have ended and for which owned is false:
// those that came by adoption. Owned must know every child that somebody else
// waits for (os/exec takes ECHILD for an error) from before it is started; nil
// knows none.
func Reap(owned func(pid int) bool) error {
	list, err := pids()
	if err != nil {
		return fmt.Errorf("reap: %w", err)
	}
	for _, pid := range list {
		p, ok := look(pid)
		if ok && p.parent == os.Getpid() && p.ended() && !(owned != nil && owned(pid)) {
			unix.Wait4(pid, nil, unix.WNOHANG, nil) // an error says that it is gone
		}
	}
	return nil
}

// ReapGroup takes leave of the children that have ended in a process group,
// except its leader: those that came by adoption, and make the group look
// alive.
func ReapGroup(pgid int) {
	Reap(func(pid int) bool {
		p, ok := look(pid)
		return !ok || p.group != pgid || pid == pgid
	})
}

// KillDescendants kills all that this process has started, and all that those
// started, until none is left or ctx ends. It spares detached processes and
// those for which keep is true (nil: none), each with its own descendants. At
// last it reaps as [Reap] does. The error names what could not be killed.
func KillDescendants(ctx context.Context, keep, owned func(pid int) bool) error {
	if childless() {
		return nil
	}
	err := sweep(ctx, func() ([]process, error) { return descendants(os.Getpid(), keep) })
	return errors.Join(err, Reap(owned))
}

// descendants lists those below pid that have not ended.
func descendants(pid int, keep func(pid int) bool) ([]process, error) {
	list, err := pids()
	if err != nil {
		return nil, err
	}
	children := map[int][]process{}
	for _, pid := range list {
		if p, ok := look(pid); ok {
			children[p.parent] = append(children[p.parent], p)
		}
	}
	var below []process
	for parents := []int{pid}; len(parents) > 0; parents = parents[1:] {
		for _, p := range children[parents[0]] {
			if p.ended() || p.detached() || keep != nil && keep(p.pid) {
				continue
			}
			below = append(below, p)
			parents = append(parents, p.pid)
		}
	}
	return below, nil
}

// KillSession kills the session sid until none of it is left or ctx ends. Its
// number is safe from reuse as long as its leader is not reaped or any of it
// lives. The caller's own session is refused.
func KillSession(ctx context.Context, sid int) error {
	own, err := unix.Getsid(0)
	if err != nil {
		return fmt.Errorf("kill session %d: %w", sid, err)
	}
	if err := checkID("session", sid, own); err != nil {
		return err
	}
	return killAll(ctx, sid, unix.Getsid)
}

// KillGroup kills the process group pgid until none of it is left or ctx ends.
// Its number is safe from reuse as long as its leader is not reaped or any of
// it lives. The caller's own group is refused.
func KillGroup(ctx context.Context, pgid int) error {
	if err := checkID("process group", pgid, unix.Getpgrp()); err != nil {
		return err
	}
	return killAll(ctx, pgid, unix.Getpgid)
}

// killAll kills all processes whose of is id, where id is also a group: the
// group at once, so that it cannot fork itself out of reach, then the rest one
// by one.
func killAll(ctx context.Context, id int, of func(pid int) (int, error)) error {
	unix.Kill(-id, unix.SIGKILL) // an error shows in what is left
	return sweep(ctx, func() ([]process, error) {
		return find(func(pid int) bool {
			its, err := of(pid)
			return err == nil && its == id
		})
	})
}

// KillCookie kills all processes which have the variable [CookieVar] with this
// value and are not detached, until none is left or ctx ends. It misses those
// whose environment may not be read, or was cleared when they were started.
func KillCookie(ctx context.Context, cookie string) error {
	if cookie == "" {
		return errors.New("kill by cookie: it is empty")
	}
	entry := CookieVar + "=" + cookie
	list := func() ([]process, error) {
		return find(func(pid int) bool {
			p := process{pid: pid}
			return pid != os.Getpid() && p.hasEnv(entry) && !p.detached()
		})
	}
	if err := sweep(ctx, list); err != nil {
		return err
	}
	// Again, for a process shows no environment while it executes a program.
	time.Sleep(minPause)
	return sweep(ctx, list)
}

// find lists the processes that match and have not ended.
func find(match func(pid int) bool) ([]process, error) {
	list, err := pids()
	if err != nil {
		return nil, err
	}
	var found []process
	for _, pid := range list {
		if !match(pid) {
			continue
		}
		if p, ok := look(pid); ok && !p.ended() {
			found = append(found, p)
		}
	}
	return found, nil
}

// sweep kills what list returns, again and again, for what is killed may have
// forked meanwhile, until that is nothing and all of it has ended. While they
// end, processes lose their environment before they are zombies, and so may be
// listed no more.
func sweep(ctx context.Context, list func() ([]process, error)) error {
	var found []process
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		more, err := list()
		if err != nil {
			return err
		}
		found = append(more, unended(found, more)...)
		if len(found) == 0 {
			return nil
		}
		if err := killEach(found); err != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("kill %s: still there: %w", names(found), context.Cause(ctx))
		}
	}
}

// unended looks again at what was found before, and returns those that are not
// among more, have not ended and are still themselves.
func unended(found, more []process) []process {
	return slices.DeleteFunc(found, func(p process) bool {
		now, ok := look(p.pid)
		again := slices.ContainsFunc(more, func(q process) bool { return q.pid == p.pid })
		return again || !ok || now.ended() || now.start != p.start
	})
}

// killEach fails only if none could be killed: what can be goes first.
func killEach(found []process) error {
	var errs []error
	for _, p := range found {
		if err := p.kill(); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) < len(found) {
		return nil
	}
	return errors.Join(errs...)
}

// names says which processes these are, the first few of them.
func names(found []process) string {
	const most = 5
	var b strings.Builder
	for i, p := range found[:min(len(found), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d (%s)", p.pid, p.command)
	}
	if more := len(found) - most; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}
