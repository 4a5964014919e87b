package luagw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/luagw/luagw/mux"
)

// DialFunc reaches the far side of a spec: it returns a connection to a started
// agent, whose hello is still to be read. ctx bounds the call, not the
// connection; a group gives it the time of several stages, of which each is
// best bounded by the spec's timeout. The error is best an [*OpenError]. A connection that knows of the
// process at its end implements [Exiter].
//
// A spec whose [Spec.Through] is not nil is to be reached through that gateway,
// usually by its Dial. What else is in such a spec is told there, and so a
// DialFunc must not connect from here.
type DialFunc func(ctx context.Context, spec *Spec) (io.ReadWriteCloser, error)

// Dial has the agent reach further and returns a connection to what it reached:
// a [DialFunc]. The agents that luagw ships reach bare things, see [DialHere];
// gateways.Dial makes of them what the spec asks for.
//
// Only what is needed to reach is told to the agent, and so not the spec's id,
// via, dir, env and nice, which are between this side and the new agent. ctx
// bounds the call. The connection ends with the gateway, and reading and writing
// then return the gateway's error. It implements [Exiter], has SetReadDeadline,
// SetWriteDeadline and CloseWrite, and WatchStderr(io.Writer), which shows what
// a process at its end writes to its standard error. Its Close waits until the
// agent has let go of what it reached, for six seconds at the most. One
// goroutine at a time may read and one may write; all else may be called
// concurrently.
//
// Errors are [*OpenError], with the gateway's id before the agent's words.
func (gw *Gateway) Dial(ctx context.Context, spec *Spec) (io.ReadWriteCloser, error) {
	h, err := gw.dial(ctx, spec)
	if err == nil {
		return h, nil
	}
	if open, ok := errors.AsType[*OpenError](err); ok {
		open.Spec = spec.String()
		return nil, open
	}
	return nil, &OpenError{Spec: spec.String(), Stage: StageDial, Err: err, ExitCode: -1}
}

func (gw *Gateway) dial(ctx context.Context, spec *Spec) (*hop, error) {
	request, err := dialRequest(spec)
	if err != nil {
		return nil, err
	}
	stream, err := gw.conn.session.Open(ctx)
	if err != nil {
		return nil, gw.conn.openError(ctx, err)
	}
	h := gw.newHop(stream)
	if _, err = stream.Write(request); err == nil {
		err = h.awaitDialled(ctx)
	}
	if err != nil {
		h.abandon()
		return nil, err
	}
	return h, nil
}

// dialRequest is the frame that asks for a dial: what reaching spec takes, in
// parts, so that the agent need not know the grammar of specs.
func dialRequest(spec *Spec) ([]byte, error) {
	timeout, err := spec.Duration("timeout")
	if err != nil {
		return nil, err
	}
	params := map[string]any{}
	for key, value := range spec.Params {
		params[key] = value
	}
	request := []any{spec.Kind, spec.Target, spec.Agent, params, int64(timeout)}
	b, err := appendValues(beginFrame(nil, kindDial), request, nil)
	if err != nil {
		return nil, err
	}
	return endFrame(b, 0)
}

// readDialRequest is the inverse of dialRequest. The spec is as the near side
// has checked it.
func readDialRequest(payload []byte) (*Spec, time.Duration, error) {
	list, err := readList(payload, nil, 5)
	if err != nil {
		return nil, 0, err
	}
	spec := &Spec{Params: map[string]string{}}
	var ok [5]bool
	var params map[string]any
	var timeout int64
	spec.Kind, ok[0] = list[0].(string)
	spec.Target, ok[1] = list[1].(string)
	spec.Agent, ok[2] = list[2].(string)
	params, ok[3] = list[3].(map[string]any)
	timeout, ok[4] = list[4].(int64)
	if ok != [5]bool{true, true, true, true, true} {
		return nil, 0, errMalformed
	}
	for key, value := range params {
		spec.Params[key], _ = value.(string)
	}
	return spec, time.Duration(timeout), nil
}

// awaitDialled waits for the answer, until ctx ends.
func (h *hop) awaitDialled(ctx context.Context) error {
	answered := make(chan error, 1)
	if !h.gw.conn.goDo(func() { answered <- h.readDialled() }) { // ends with the answer or the connection
		return h.gw.conn.lostError()
	}
	select {
	case err := <-answered:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s: no answer in time: %w", h.gw.id, ctx.Err())
	}
}

func (h *hop) readDialled() error {
	h.reading.Lock()
	defer h.reading.Unlock()
	fr := newFrameReader(h.Stream)
	k, payload, err := fr.next()
	switch {
	case err != nil:
		return h.gw.conn.openError(context.Background(), err)
	case k == kindReady:
		h.first = fr.buf
		return nil
	case k != kindError:
		return fmt.Errorf("%w: %d answers a dial", errFrameKind, k)
	}
	return h.gw.readDialError(payload)
}

// appendDialError appends the payload of the kindError that answers a dial. Its
// value has what an OpenError has besides its text.
func appendDialError(b []byte, err error) []byte {
	open, ok := errors.AsType[*OpenError](err)
	if !ok {
		open = &OpenError{Stage: StageDial, Err: err, ExitCode: -1}
	}
	value := map[string]any{"stage": string(open.Stage), "exit": open.ExitCode, "stderr": open.Stderr}
	return appendRemoteError(b, &RemoteError{Message: open.Err.Error(), Value: value}, 0, nil)
}

func (gw *Gateway) readDialError(payload []byte) error {
	remote, _, err := readRemoteError(payload, &Channel{conn: gw.conn})
	if err != nil {
		return err
	}
	open := &OpenError{Stage: StageDial, Err: fmt.Errorf("%s: %s", gw.id, remote.Message), ExitCode: -1}
	value, _ := remote.Value.(map[string]any)
	if stage, ok := value["stage"].(string); ok && Stage(stage).known() {
		open.Stage = Stage(stage)
	}
	if code, ok := value["exit"].(int64); ok {
		open.ExitCode = int(code)
	}
	open.Stderr, _ = value["stderr"].(string)
	return open
}

func (st Stage) known() bool {
	switch st {
	case StageResolve, StageDial, StageHostKey, StageAuth, StageSpawn, StageBootstrap, StageHello:
		return true
	}
	return false
}

// answerDial writes one frame in answer to a dial.
func answerDial(stream *mux.Stream, b []byte) error {
	b, err := endFrame(b, 0)
	if err == nil {
		_, err = stream.Write(b)
	}
	return err
}
