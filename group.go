package luagw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"slices"
	"sync"
)

// Group opens gateways and holds them. Its fields may be set until its first
// method is called; all methods may be called concurrently. Close or Shutdown
// ends all its gateways.
type Group struct {
	// Dial reaches the far side of a spec; usually gateways.Dial. Required. It
	// is given specs whose Through says which gateway to go through.
	Dial DialFunc

	// DefaultSpec is what Open opens for an empty spec. "popen" if empty.
	DefaultSpec string

	// Modules is where require on the far side finds m.lua. Nowhere if nil.
	Modules fs.FS

	// Print gets each line that a fragment prints, without its line break,
	// and the gateway's id. It is called from one goroutine for each gateway,
	// and holds up that gateway's printing while it runs. If nil, lines go to
	// os.Stderr as "id: line".
	Print func(id, line string)

	// Logger tells what goes on. Discards if nil.
	Logger *slog.Logger

	mu       sync.Mutex      // guards the following
	gateways []*Gateway      // in the order of their opening
	ids      map[string]bool // in use, also by gateways that are being opened
	next     int             // number for the next id
	places   int             // taken in the order so far
	closed   bool
	printMu  sync.Mutex // keeps lines of several gateways apart
}

// Open opens a gateway. ctx bounds the opening, as do the spec's timeouts. The
// error is a [*SpecError], before anything was started, or an [*OpenError],
// after everything was cleaned up.
func (g *Group) Open(ctx context.Context, spec string) (*Gateway, error) {
	parsed, err := g.parse(spec)
	if err != nil {
		return nil, err
	}
	return g.OpenSpec(ctx, parsed)
}

// parse parses a spec, or the default for an empty one.
func (g *Group) parse(spec string) (*Spec, error) {
	if spec == "" {
		spec = g.DefaultSpec
	}
	if spec == "" {
		spec = "popen"
	}
	return ParseSpec(spec)
}

// OpenSpec does what Open does with a spec that is parsed already.
func (g *Group) OpenSpec(ctx context.Context, spec *Spec) (*Gateway, error) {
	dial, err := g.prepare(spec)
	if err != nil {
		return nil, err
	}
	return g.open(ctx, dial)
}

// Start does what OpenSpec does, but returns when the connection stands, before
// the agent has said hello. What is sent meanwhile travels ahead, so that the
// answer of a fragment comes a round trip sooner; [Gateway.Opened] waits for the
// hello. ctx bounds the opening, as that of Open does. A gateway that does not
// open is lost: the error of all that was sent on it is an [*OpenError].
func (g *Group) Start(ctx context.Context, spec *Spec) (*Gateway, error) {
	dial, err := g.prepare(spec)
	if err != nil {
		return nil, err
	}
	gw, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	if !g.add(gw) {
		gw.Close()
		return nil, errGroupClosed
	}
	return gw, nil
}

// dialFunc makes a gateway whose hello is still to come. ctx bounds its opening.
type dialFunc func(ctx context.Context) (*Gateway, error)

// prepare checks a spec and takes an id for it, before anything is started. The
// order in which specs are prepared is that of their gateways in the group.
func (g *Group) prepare(spec *Spec) (dialFunc, error) {
	text := spec.String()
	if err := spec.check(); err != nil {
		return nil, inSpec(text, err)
	}
	spec = spec.Clone()
	if err := g.resolveVia(text, spec); err != nil {
		return nil, err
	}
	id, place, err := g.reserve(text, spec.ID)
	if err != nil {
		return nil, err
	}
	spec.ID = id
	return func(ctx context.Context) (*Gateway, error) {
		gw, err := g.dial(ctx, &Gateway{
			id: id, spec: spec, text: text, group: g, place: place,
			ready: make(chan struct{}), heard: make(chan struct{}), lost: make(chan struct{}), done: make(chan struct{}),
		})
		if err != nil {
			g.release(id)
			return nil, openError(text, err)
		}
		return gw, nil
	}, nil
}

// resolveVia finds the gateway that the spec goes through.
func (g *Group) resolveVia(text string, spec *Spec) error {
	if g.Dial == nil {
		return errors.New("luagw: Group.Dial is not set")
	}
	spec.through = nil
	if spec.Via == "" {
		return nil
	}
	via, ok := g.Gateway(spec.Via)
	if !ok {
		return &SpecError{Spec: text, Key: "via", Reason: fmt.Sprintf("no gateway %q is open in this group", spec.Via)}
	}
	spec.through = via
	return nil
}

// reserve takes an id, and a place in the group's order, before anything is
// started.
func (g *Group) reserve(text, id string) (string, int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return "", 0, errGroupClosed
	}
	if g.ids == nil {
		g.ids = map[string]bool{}
	}
	if id != "" && g.ids[id] {
		return "", 0, &SpecError{Spec: text, Key: "id", Reason: fmt.Sprintf("%q is in use in this group", id)}
	}
	for id == "" || g.ids[id] {
		id = fmt.Sprintf("gw%d", g.next)
		g.next++
	}
	g.ids[id] = true
	g.places++
	return id, g.places, nil
}

func (g *Group) release(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.ids, id)
}

// dial makes gw's connection and starts the protocol on it. On failure nothing
// is left of it.
func (g *Group) dial(ctx context.Context, gw *Gateway) (*Gateway, error) {
	timeout, err := gw.spec.Duration("timeout")
	if err != nil {
		return nil, err
	}
	if timeout == 0 {
		timeout = openTimeout
	}
	dialCtx, cancel := context.WithTimeout(ctx, dialStages*timeout)
	defer cancel()
	gw.raw, err = g.Dial(dialCtx, gw.spec)
	if err != nil {
		return nil, err
	}
	gw.hello = newGreeting(ctx, gw.raw)
	if err := gw.start(timeout); err != nil {
		return nil, giveUp(gw.raw, StageBootstrap, err)
	}
	return gw, nil
}

// open waits for a gateway to open. On failure nothing is left of it.
func (g *Group) open(ctx context.Context, dial dialFunc) (*Gateway, error) {
	gw, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := gw.Opened(context.Background()); err != nil { // ctx bounds it
		gw.Close()
		return nil, err
	}
	if !g.add(gw) {
		gw.Close()
		return nil, errGroupClosed
	}
	info := gw.Info()
	g.log("opened", gw, "spec", gw.spec.String(), "agent", info.Version, "host", info.Hostname, "pid", info.PID)
	return gw, nil
}

// giveUp closes a connection that is no gateway's and tells why, in the far
// side's own words where it has said some.
func giveUp(raw io.ReadWriteCloser, stage Stage, err error) error {
	raw.Close()
	open := &OpenError{Stage: stage, Err: err, ExitCode: -1}
	if hello, ok := errors.AsType[*helloError](err); ok {
		open.Err, open.Stderr = hello.err, tail(hello.noise)
	}
	if told, ok := errors.AsType[*OpenError](open.Err); ok {
		open.Stage, open.Err, open.Stderr = told.Stage, told.Err, told.Stderr
	}
	open.Err = notWell(open.Err)
	if exiter, ok := raw.(Exiter); ok {
		ctx, cancel := context.WithTimeout(context.Background(), exitTimeout)
		defer cancel()
		exit := exiter.Exit(ctx)
		open.ExitCode = exit.Code
		if exit.Stderr != "" {
			open.Stderr = exit.Stderr
		}
	}
	return open
}

// tail is the end of what came in the place of a hello.
func tail(noise string) string {
	const most = 2 << 10
	if len(noise) > most {
		return "..." + noise[len(noise)-most:]
	}
	return noise
}

// openError makes an OpenError of whatever a dialer returned.
func openError(spec string, err error) error {
	if open, ok := errors.AsType[*OpenError](err); ok {
		if open.Spec == "" {
			open.Spec = spec
		}
		return open
	}
	if errors.Is(err, ErrClosed) {
		return err
	}
	if specErr, ok := errors.AsType[*SpecError](err); ok {
		return specErr
	}
	return &OpenError{Spec: spec, Stage: StageDial, Err: err, ExitCode: -1}
}

// add enters an open gateway; false if the group was closed meanwhile.
func (g *Group) add(gw *Gateway) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	select {
	case <-gw.lost: // it has left the group before it came in
	default:
		at, _ := slices.BinarySearchFunc(g.gateways, gw.place, func(other *Gateway, place int) int { return other.place - place })
		g.gateways = slices.Insert(g.gateways, at, gw)
	}
	return true
}

// remove takes a gateway that has ended out of the group.
func (g *Group) remove(gw *Gateway) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gateways = slices.DeleteFunc(g.gateways, func(other *Gateway) bool { return other == gw })
	delete(g.ids, gw.id)
}

// OpenAll opens gateways in parallel. The result has one for each spec, nil
// where it failed, and the error joins those of all that did. The group keeps
// them in the order of their specs.
func (g *Group) OpenAll(ctx context.Context, specs ...string) ([]*Gateway, error) {
	opened := make([]*Gateway, len(specs))
	errs := make([]error, len(specs))
	var wg sync.WaitGroup
	for i, text := range specs {
		spec, err := g.parse(text)
		if err != nil {
			errs[i] = err
			continue
		}
		dial, err := g.prepare(spec)
		if err != nil {
			errs[i] = err
			continue
		}
		wg.Go(func() { opened[i], errs[i] = g.open(ctx, dial) })
	}
	wg.Wait()
	return opened, errors.Join(errs...)
}

// Gateway finds an open gateway by its id.
func (g *Group) Gateway(id string) (*Gateway, bool) {
	for gw := range g.Gateways() {
		if gw.id == id {
			return gw, true
		}
	}
	return nil, false
}

// Gateways walks the gateways that are open now, in the order of their opening.
func (g *Group) Gateways() iter.Seq[*Gateway] {
	return func(yield func(*Gateway) bool) {
		for _, gw := range g.list() {
			if !yield(gw) {
				return
			}
		}
	}
}

func (g *Group) list() []*Gateway {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.gateways)
}

// RemoteExec sends a fragment to every gateway. A gateway where it could not be
// sent has no channel in the result; the error joins the reasons.
func (g *Group) RemoteExec(ctx context.Context, source string, args ...any) (*MultiChannel, error) {
	var channels []*Channel
	var errs []error
	for gw := range g.Gateways() {
		c, err := gw.RemoteExec(ctx, source, args...)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", gw.id, err))
			continue
		}
		channels = append(channels, c)
	}
	return NewMultiChannel(channels...), errors.Join(errs...)
}

// Shutdown ends all gateways in good order, those first that go through others,
// and closes the group. What has not ended when ctx does is killed.
func (g *Group) Shutdown(ctx context.Context) error {
	return g.end(func(gw *Gateway) error { return gw.Shutdown(ctx) })
}

// Close ends all gateways at once and closes the group. It may be called any
// number of times.
func (g *Group) Close() error {
	return g.end((*Gateway).Close)
}

// end ends gateways in parallel, but none before those that go through it.
func (g *Group) end(end func(*Gateway) error) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	gateways := g.list()
	errs := make([]error, len(gateways))
	ended := make(map[string]chan struct{}, len(gateways))
	for _, gw := range gateways {
		ended[gw.id] = make(chan struct{})
	}
	var wg sync.WaitGroup
	for i, gw := range gateways {
		wg.Go(func() {
			defer close(ended[gw.id])
			for _, other := range gateways {
				if other.spec.Via == gw.id {
					<-ended[other.id]
				}
			}
			if err := end(gw); err != nil {
				errs[i] = fmt.Errorf("%s: %w", gw.id, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (g *Group) print(id, line string) {
	if g.Print != nil {
		g.Print(id, line)
		return
	}
	g.printMu.Lock()
	defer g.printMu.Unlock()
	fmt.Fprintf(os.Stderr, "%s: %s\n", id, line)
}

// log tells the group's Logger what became of a gateway.
func (g *Group) log(event string, gw *Gateway, args ...any) {
	if g.Logger != nil {
		g.Logger.Debug(event, append([]any{"gateway", gw.id}, args...)...)
	}
}
