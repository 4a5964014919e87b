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
	group *Group
	place int                // in the group's order
	raw   io.ReadWriteCloser // what Dial returned
	conn  *connection
	ready chan struct{} // closed when the settings are in force, or refused

	mu       sync.Mutex // guards the following
	info     Info
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

// Info is what the agent said of itself when it started.
func (gw *Gateway) Info() Info {
	gw.mu.Lock()
	defer gw.mu.Unlock()
	return gw.info
}

// Done is closed when the gateway is closed or lost, and its process reaped.
func (gw *Gateway) Done() <-chan struct{} { return gw.done }

// Err is why the gateway is done: ErrClosed, or a [*GatewayLostError]. Nil
// before.
func (gw *Gateway) Err() error {
	gw.mu.Lock()
	defer gw.mu.Unlock()
	return gw.err
}

// start runs the protocol on a fresh connection, whose hello was read.
func (gw *Gateway) start(ctx context.Context, conn io.ReadWriteCloser) error {
	cfg, err := muxConfig(gw.spec)
	if err != nil {
		return err
	}
	setup, err := settingsOf(gw.spec)
	if err != nil {
		return err
	}
	session, err := mux.Client(conn, cfg)
	if err != nil {
		return err
	}
	gw.conn = newConnection(session, gw)
	go gw.accept() // ends with the session, and then ends the gateway
	if err := gw.openControl(ctx, setup); err != nil {
		return err
	}
	if setup.empty() {
		return nil
	}
	return gw.awaitReady(ctx)
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

// openControl opens the control stream: its first frame bears the settings.
func (gw *Gateway) openControl(ctx context.Context, setup settings) error {
	stream, err := gw.conn.session.Open(ctx)
	if err != nil {
		return err
	}
	gw.conn.control = mux.NewWriter(stream)
	gw.conn.goDo(func() {
		if err := gw.readControl(newFrameReader(stream)); err != nil && gw.conn.lostError() == nil {
			gw.conn.fail(err)
		}
	})
	return gw.conn.sendControl(ctx, kindControl, setup.values()...)
}

func (gw *Gateway) awaitReady(ctx context.Context) error {
	select {
	case <-gw.ready:
		gw.mu.Lock()
		defer gw.mu.Unlock()
		return gw.setupErr
	case <-gw.lost:
		return gw.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
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
		gw.info.Dir = dir
	}
	close(gw.ready)
	return nil
}

func (gw *Gateway) refused(payload []byte) error {
	remote, _, err := readRemoteError(payload, &Channel{conn: gw.conn})
	if err != nil {
		return err
	}
	gw.mu.Lock()
	defer gw.mu.Unlock()
	gw.setupErr = errors.New(remote.Message)
	close(gw.ready)
	return nil
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

func (gw *Gateway) endError() error {
	gw.mu.Lock()
	closed := gw.closed
	gw.mu.Unlock()
	if closed {
		return ErrClosed
	}
	lost := &GatewayLostError{ID: gw.id, Cause: gw.conn.why(), ExitCode: -1}
	if errors.Is(lost.Cause, io.EOF) {
		lost.Cause = errors.New("the far side ended")
	}
	if exiter, ok := gw.raw.(Exiter); ok {
		ctx, cancel := context.WithTimeout(context.Background(), exitTimeout)
		defer cancel()
		exit := exiter.Exit(ctx)
		lost.ExitCode, lost.Signal, lost.Stderr = exit.Code, exit.Signal, exit.Stderr
	}
	return lost
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
		return nil, fmt.Errorf("%s is shutting down: %w", gw.id, ErrClosed)
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
	if gw.Err() != ErrClosed {
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
