package luagw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/luagw/luagw/mux"
)

const (
	// openTimeout bounds each stage of opening where the spec has no timeout.
	openTimeout = 10 * time.Second

	// dialStages is how many of these a Dial may take together, which bounds
	// each by itself: a login through other hosts has several for each, and
	// may wait for its turn and for what a person types.
	dialStages = 12

	// exitTimeout is how long the news of a process's end may take after its
	// connection has ended.
	exitTimeout = time.Second

	// shutdownTimeout bounds a Shutdown whose context has no deadline.
	shutdownTimeout = 10 * time.Second

	// fragmentName is the chunk name of a source that has none.
	fragmentName = "fragment"
)

// Gateway is a connection to an agent, which runs fragments. It is opened by a
// [Group] and lives until it is closed or its connection is lost. All methods
// may be called concurrently.
type Gateway struct {
	id    string
	spec  *Spec
	text  string // the spec as it was given
	group *Group
	place int                // in the group's order
	raw   io.ReadWriteCloser // what Dial returned
	conn  *connection
	hello *greeting
	ready chan struct{} // closed when the settings are in force, or refused, or there are none
	heard chan struct{} // closed when no more comes on the control stream

	mu       sync.Mutex      // guards the following
	dir      string          // of the agent, by its settings
	setupErr error           // why the settings were refused
	stopping bool            // Shutdown was called
	closed   bool            // Close was called
	err      error           // why it is done
	hops     map[uint32]*hop // what was reached through it, by stream

	lost chan struct{} // closed when err is set
	done chan struct{} // closed when all is over, the process reaped
}

// ID is the gateway's name within its group.
func (gw *Gateway) ID() string { return gw.id }

// String is the gateway's id and spec, without the values of its environment.
func (gw *Gateway) String() string {
	spec := gw.spec.Clone()
	spec.ID, spec.Env = "", nil
	return fmt.Sprintf("gateway %s (%s)", gw.id, spec)
}

// Spec is what the gateway was opened with. It must not be changed.
func (gw *Gateway) Spec() *Spec { return gw.spec }

// Info is what the agent said of itself when it started: nothing yet, if the
// gateway was begun by [Group.Start] and has not opened.
func (gw *Gateway) Info() Info {
	info := gw.hello.told()
	gw.mu.Lock()
	defer gw.mu.Unlock()
	if gw.dir != "" {
		info.Dir = gw.dir
	}
	return info
}

// Done is closed when the gateway is closed or lost, and its process reaped.
func (gw *Gateway) Done() <-chan struct{} { return gw.done }

// Err is why the gateway is done: an ErrClosed, or a [*GatewayLostError]. Nil
// before.
func (gw *Gateway) Err() error {
	gw.mu.Lock()
	defer gw.mu.Unlock()
	return gw.err
}

// start runs the protocol on a fresh connection, ahead of its hello.
// It opens within timeout, or ends.
func (gw *Gateway) start(timeout time.Duration) error {
	cfg, err := muxConfig(gw.spec)
	if err != nil {
		return err
	}
	cfg.Present = gw.hello.said
	setup, err := settingsOf(gw.spec)
	if err != nil {
		return err
	}
	setup.silence = silenceOf(gw.spec, cfg)
	if setup.empty() {
		close(gw.ready) // before the session can end
	}
	session, err := mux.Client(gw.hello, cfg)
	if err != nil {
		return err
	}
	gw.conn = newConnection(session, gw)
	go gw.accept()                                    // ends with the session, and then ends the gateway
	gw.conn.goDo(func() { gw.boundOpening(timeout) }) // first, for what follows writes
	gw.openControl(setup)
	return nil
}

// Opened waits until the agent has said hello and its settings are in force. Its
// error is an [*OpenError]; all that was sent ahead ends with that too. When ctx
// ends first the gateway goes on opening.
func (gw *Gateway) Opened(ctx context.Context) error {
	for _, step := range []<-chan struct{}{gw.hello.said, gw.ready} {
		if err := gw.conn.session.Wait(ctx, step); err == nil {
			continue
		} else if ctx.Err() != nil {
			return err
		}
		<-gw.lost // which comes of it
		return gw.Err()
	}
	gw.mu.Lock()
	refused := gw.setupErr != nil
	gw.mu.Unlock()
	if refused {
		<-gw.lost // which comes of it
		return gw.Err()
	}
	return nil
}

// silenceOf is how long an agent may hear nothing before it takes the near side
// for gone. A pipe within one machine tells of its end for certain, and whoever
// stops a program there for a while does not want to lose its agents.
func silenceOf(spec *Spec, cfg *mux.Config) time.Duration {
	switch spec.Kind {
	case "ssh", "tcp", "exec":
		return cfg.Silence()
	}
	return 0
}

func muxConfig(spec *Spec) (*mux.Config, error) {
	cfg := &mux.Config{}
	window, err := spec.Size("window")
	if err != nil {
		return nil, err
	}
	cfg.Window = int(window)
	if _, given := spec.Params["keepalive"]; !given {
		return cfg, nil
	}
	cfg.KeepAlive, err = spec.Duration("keepalive")
	if cfg.KeepAlive == 0 {
		cfg.KeepAlive = -1
	}
	cfg.Timeout = 2 * cfg.KeepAlive
	return cfg, err
}

// openControl opens the control stream: its first frame bears the settings. When
// that fails the session is about to end, and tells why.
func (gw *Gateway) openControl(setup settings) {
	stream, err := gw.conn.session.Open(gw.conn.ctx)
	if err != nil {
		close(gw.heard)
		return
	}
	stream.SetPatient()
	gw.conn.control = mux.NewWriter(stream)
	gw.conn.goDo(func() {
		err := gw.readControl(newFrameReader(stream))
		close(gw.heard) // lostError waits for who waits for that
		if err != nil && gw.conn.lostError() == nil {
			gw.conn.fail(err)
		}
	})
	gw.conn.sendControl(gw.conn.ctx, kindControl, setup.values()...)
}

// readControl acts on what the agent sends beside the channels.
func (gw *Gateway) readControl(fr *frameReader) error {
	settled := false
	for {
		k, payload, err := fr.next()
		if err != nil {
			return err
		}
		switch {
		case k == kindPrint:
			err = gw.print(payload)
		case k == kindStderr:
			err = gw.hopStderr(payload)
		case k == kindExit:
			err = gw.hopExit(payload)
		case k == kindReady && !settled:
			settled = true
			err = gw.settle(payload)
		case k == kindError && !settled:
			settled = true
			err = gw.refused(payload)
		default:
			err = fmt.Errorf("%w: %d in the control stream", errFrameKind, k)
		}
		if err != nil {
			return err
		}
	}
}

func (gw *Gateway) print(payload []byte) error {
	list, err := readList(payload, nil, 2)
	if err != nil {
		return err
	}
	id, ok := list[0].(int64)
	line, isText := list[1].(string)
	if !ok || !isText {
		return errMalformed
	}
	gw.group.print(gw.id, line)
	if id > 0 {
		gw.conn.prints.add(uint32(id))
	}
	return nil
}

func (gw *Gateway) settle(payload []byte) error {
	list, err := readList(payload, nil, 1)
	if err != nil {
		return err
	}
	gw.mu.Lock()
	defer gw.mu.Unlock()
	if dir, ok := list[0].(string); ok {
		gw.dir = dir
	}
	close(gw.ready)
	gw.conn.wake()
	return nil
}

func (gw *Gateway) refused(payload []byte) error {
	remote, _, err := readRemoteError(payload, &Channel{conn: gw.conn})
	if err != nil {
		return err
	}
	err = errors.New(remote.Message)
	gw.mu.Lock()
	gw.setupErr = err
	gw.mu.Unlock()
	close(gw.ready)
	gw.conn.wake()
	return err
}

// accept serves what the agent asks for, until the session ends, and then
// settles why the gateway ended. It is the gateway's own goroutine.
func (gw *Gateway) accept() {
	for {
		stream, err := gw.conn.session.Accept(context.Background())
		if err != nil {
			break
		}
		if !gw.conn.goDo(func() { gw.serve(stream) }) {
			stream.Close()
		}
	}
	gw.end()
}

// serve answers a stream that the agent opened: a channel, or the wish for a
// module's source.
func (gw *Gateway) serve(stream *mux.Stream) {
	fr := newFrameReader(stream)
	k, payload, err := fr.next()
	switch {
	case err != nil:
		stream.Close()
	case k == kindChannel:
		gw.conn.adopt(stream, fr)
	case k == kindModule:
		gw.serveModule(stream, payload)
	default:
		gw.conn.fail(fmt.Errorf("%w: %d begins a stream", errFrameKind, k))
	}
}

// end settles why the gateway ended, tells everybody, and reaps the process.
func (gw *Gateway) end() {
	err := gw.endError()
	gw.mu.Lock()
	gw.err = err
	gw.mu.Unlock()
	close(gw.lost)
	gw.raw.Close()
	gw.group.remove(gw)
	gw.group.log("ended", gw, "reason", err)
	gw.conn.finish(context.Background(), err)
	close(gw.done)
}

// hearOut waits until what the agent has said before the end of the session is acted
// upon: it may be that the settings are in force.
func (gw *Gateway) hearOut() {
	timer := time.NewTimer(exitTimeout)
	defer timer.Stop()
	select {
	case <-gw.ready:
	case <-gw.heard:
	case <-timer.C:
	}
}

func (gw *Gateway) endError() error {
	gw.hearOut()
	gw.mu.Lock()
	closed, refused := gw.closed, gw.setupErr
	gw.mu.Unlock()
	switch {
	case closed:
		return errGatewayClosed
	case !isClosed(gw.hello.said):
		return gw.neverOpened(StageHello, gw.hello.failure(gw.conn.why()))
	case refused != nil:
		return gw.neverOpened(StageBootstrap, refused)
	case !isClosed(gw.ready) && gw.hello.ctx.Err() != nil:
		return gw.neverOpened(StageBootstrap, fmt.Errorf("the agent did not take its settings in time: %w", context.Cause(gw.hello.ctx)))
	case !isClosed(gw.ready):
		return gw.neverOpened(StageBootstrap, gw.conn.why())
	}
	lost := &GatewayLostError{ID: gw.id, Cause: notWell(gw.conn.why()), ExitCode: -1}
	if exiter, ok := gw.raw.(Exiter); ok {
		ctx, cancel := context.WithTimeout(context.Background(), exitTimeout)
		defer cancel()
		exit := exiter.Exit(ctx)
		lost.ExitCode, lost.Signal, lost.Stderr = exit.Code, exit.Signal, exit.Stderr
	}
	return lost
}

// notWell keeps io.EOF out of why a connection ended, for callers take that for the
// other side's word that it is done, and well.
func notWell(err error) error {
	switch {
	case err == io.EOF:
		return errors.New("the far side ended")
	case errors.Is(err, io.EOF):
		return errors.New(err.Error())
	}
	return err
}

// neverOpened is the end of a gateway whose agent was not to be had.
func (gw *Gateway) neverOpened(stage Stage, err error) error {
	return openError(gw.text, giveUp(gw.raw, stage, err))
}

// lostError is why the gateway ended, once the session has. It waits for the
// reason, which is bounded by exitTimeout.
func (gw *Gateway) lostError() error {
	<-gw.lost
	return gw.Err()
}

// RemoteExec sends a fragment of Lua and returns the near end of its channel at
// once, without a round trip. The arguments are the chunk's `...`. ctx bounds
// the sending; [Channel.Close] cancels the fragment.
func (gw *Gateway) RemoteExec(ctx context.Context, source string, args ...any) (*Channel, error) {
	return gw.exec(ctx, &Chunk{Name: fragmentName, Source: source, Args: args})
}

// RemoteExecFile does what RemoteExec does with a file of fsys, whose name its
// errors and tracebacks bear.
func (gw *Gateway) RemoteExecFile(ctx context.Context, fsys fs.FS, name string, args ...any) (*Channel, error) {
	source, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	return gw.exec(ctx, &Chunk{Name: name, Source: string(source), Args: args})
}

func (gw *Gateway) exec(ctx context.Context, chunk *Chunk) (*Channel, error) {
	if gw.isStopping() {
		return nil, &closedError{gw.id + " is shutting down", ErrClosed}
	}
	modules, err := gw.modulesFor(chunk)
	if err != nil {
		return nil, err
	}
	c, err := gw.conn.open(ctx, roleCaller, kindExec, chunk.request(modules)...)
	if valueErr, ok := errors.AsType[*ValueError](err); ok {
		valueErr.Path = "arguments" + strings.TrimPrefix(valueErr.Path, "item[2]")
	}
	return c, err
}

func (gw *Gateway) isStopping() bool {
	gw.mu.Lock()
	defer gw.mu.Unlock()
	return gw.stopping && gw.err == nil
}

// Call runs a fragment and returns what its chunk returned. When ctx ends first,
// the fragment is cancelled. Items that it sends are dropped.
func (gw *Gateway) Call(ctx context.Context, source string, args ...any) ([]any, error) {
	c, err := gw.RemoteExec(ctx, source, args...)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	c.discard.Store(true)
	return c.Results(ctx)
}

// NewChannel returns a channel to be sent as a value on another channel of the
// gateway. Whoever receives it there has the other end.
func (gw *Gateway) NewChannel(ctx context.Context) (*Channel, error) {
	return gw.conn.open(ctx, rolePlain, kindChannel)
}

// NewChannel returns another channel of the same gateway, from either side, to
// be sent as a value.
func (c *Channel) NewChannel(ctx context.Context) (*Channel, error) {
	return c.conn.open(ctx, rolePlain, kindChannel)
}

// Shutdown ends the gateway in good order: it takes no more fragments, those
// that run see the end of their input and may finish; then the far side is closed. When ctx ends before (or
// 10 seconds, if it has no deadline), what still runs is killed and ctx's error
// returned.
func (gw *Gateway) Shutdown(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, shutdownTimeout)
		defer cancel()
	}
	gw.mu.Lock()
	gw.stopping = true
	gw.mu.Unlock()
	err := gw.conn.idle(ctx)
	gw.Close()
	if !errors.Is(gw.Err(), ErrClosed) {
		return gw.Err()
	}
	return err
}

// Close ends the gateway at once: its fragments, its channels, its process,
// which is always reaped. It may be called any number of times.
func (gw *Gateway) Close() error {
	gw.mu.Lock()
	if gw.err == nil {
		gw.closed = true
	}
	gw.mu.Unlock()
	gw.conn.session.Close()
	<-gw.done
	return nil
}
