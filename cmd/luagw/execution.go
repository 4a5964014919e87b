package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/luagw/luagw"
)

// execution is one script on its way through all targets.
type execution struct {
	script  *script
	args    []any
	targets []*target
	report  *report
	timeout time.Duration // for each target; none if 0
	slots   chan struct{} // one for each target at work
	group   *luagw.Group
}

func newExecution(dial luagw.DialFunc, script *script, args []any, targets []*target, report *report) *execution {
	group := &luagw.Group{Dial: dial, Modules: modulesOf(script.folder), Print: report.print}
	return &execution{script: script, args: args, targets: targets, report: report, group: group}
}

// run runs the script everywhere. When ctx ends, or the output cannot be
// written any more, what runs is ended, for which the gateways have a bound.
func (e *execution) run(ctx context.Context) error {
	parent := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e.report.broken = cancel
	var wg sync.WaitGroup
	for _, t := range e.targets {
		wg.Go(func() { e.runOn(ctx, t) })
	}
	wg.Wait()
	e.group.Close()
	return e.end(interrupted(parent))
}

// runOn runs the script on one target, once the one that it goes through is
// open and there is a slot.
func (e *execution) runOn(ctx context.Context, t *target) {
	opened := sync.OnceFunc(func() { close(t.opened) })
	defer opened()
	if t.via != nil {
		<-t.via.opened
	}
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return
	}
	if e.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, e.timeout, fmt.Errorf("%w after %v", errTimeout, e.timeout))
		defer cancel()
	}
	gw, err := e.group.Start(ctx, t.spec)
	opened()
	if err != nil {
		e.openError(ctx, t, err)
		return
	}
	if !t.bridge {
		defer gw.Close()
	}
	if err := e.runIn(ctx, gw); err != nil {
		e.failed(ctx, t, gw, err)
	}
}

// failed tells why the script failed on a target, which may have gone ahead of a
// gateway that never opened.
func (e *execution) failed(ctx context.Context, t *target, gw *luagw.Gateway, err error) {
	if openErr := gw.Opened(context.Background()); openErr != nil { // bounded as the opening is
		e.openError(ctx, t, openErr)
		return
	}
	if cause := context.Cause(ctx); errors.Is(cause, errTimeout) {
		err = cause
	}
	e.unlessStopped(ctx, func() { e.report.fragmentError(gw.ID(), err) })
}

func (e *execution) openError(ctx context.Context, t *target, err error) {
	if cause := context.Cause(ctx); errors.Is(cause, errTimeout) && !errors.Is(err, errTimeout) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	e.unlessStopped(ctx, func() { e.report.openError(t.spec.ID, err) })
}

// unlessStopped tells an outcome, unless it is nothing but the consequence of
// ending everything.
func (e *execution) unlessStopped(ctx context.Context, tell func()) {
	if ctx.Err() == nil || errors.Is(context.Cause(ctx), errTimeout) {
		tell()
	}
}

// runIn runs the script in a gateway and reports what it sends and returns. It
// gets no items.
func (e *execution) runIn(ctx context.Context, gw *luagw.Gateway) error {
	ch, err := gw.RemoteExecFile(ctx, e.script, e.script.name, e.args...)
	if err != nil {
		return err
	}
	defer ch.Close()
	ch.CloseWrite()
	for item, err := range ch.Items(ctx) {
		if err != nil {
			return err
		}
		e.report.item(gw.ID(), item)
	}
	results, err := ch.Results(ctx)
	if err != nil {
		return err
	}
	e.report.results(gw.ID(), results)
	return nil
}
