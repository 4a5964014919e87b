// Package popen starts child processes as the far ends of gateways: agents on
// this machine (spec kind popen), and commands which reach an agent somewhere
// else (kind exec), such as docker exec -i web1 luagw-agent.
//
// A connection is the child's standard input and output. Closing it closes
// both, on which an agent cleans up and ends by itself; a child that does not
// end within [Dialer.Grace] is killed. When a child has ended, by itself or
// not, what it left in its session (popen) or process group (exec) is killed
// at once, and it is reaped.
package popen

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/child"
)

// DefaultGrace is how long a child may take to end after its connection was
// closed.
const DefaultGrace = child.DefaultGrace

// Dialer starts processes. The zero value is usable. Its fields must not be
// changed after the first Dial; Dial may be called concurrently.
type Dialer struct {
	// Self returns the path of this very program and whether it serves as
	// an agent when started with LUAGW_SERVE=stdio in its environment.
	// luagw.SelfAgent if nil.
	Self func() (path string, ok bool)

	// Grace is how long a child may take to end by itself after its
	// connection was closed, before it is killed. DefaultGrace if zero.
	Grace time.Duration
}

// Dial starts the process that a spec of kind popen or exec tells of.
//
// For popen that is its Agent; else this very program if it serves as one;
// else $LUAGW_AGENT; else luagw-agent beside this program or on the PATH. It
// leads a session of its own, so that no key pressed at a terminal reaches it.
// For exec it is the Target, which leads a process group of its own and keeps
// the terminal. Both inherit the environment. Dir, Env and Nice of spec are
// the agent's business, not Dial's.
//
// The connection implements [luagw.Exiter], and has SetReadDeadline and
// SetWriteDeadline. Its Close returns when the child is reaped and nothing of
// its session or group is left, or with an error when that takes longer than
// Grace and three seconds. All methods may be called concurrently.
//
// A spec that goes through a gateway has its process started there, by that
// gateway's Dial.
//
// ctx bounds the start; it has no effect on a process once started. Errors are
// [*luagw.OpenError] with StageResolve, where it says what was looked for, or
// StageSpawn, and a [*luagw.SpecError] for a command line that cannot be read.
func (d *Dialer) Dial(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
	if via := spec.Through(); via != nil {
		return via.Dial(ctx, spec)
	}
	prog, err := d.resolve(spec)
	if err != nil {
		if _, ok := errors.AsType[*luagw.SpecError](err); ok {
			return nil, err
		}
		return nil, openError(spec, luagw.StageResolve, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, openError(spec, luagw.StageSpawn, err)
	}
	c, err := prog.start(d.Grace)
	if err != nil {
		return nil, openError(spec, luagw.StageSpawn, err)
	}
	return c, nil
}

func openError(spec *luagw.Spec, stage luagw.Stage, err error) error {
	return &luagw.OpenError{Spec: spec.String(), Stage: stage, Err: err, ExitCode: -1}
}
