package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw"
)

// clientVersion is what this side says of itself.
const clientVersion = "SSH-2.0-luagw"

// closeTime bounds what comes after a connection was cut.
const closeTime = time.Second

// link is a connection to a host on which the user is logged in. All methods
// may be called concurrently. It owns the goroutine watch, which ends when the
// connection does.
type link struct {
	host   *host
	client *gossh.Client
	wire   *wire
	below  way // the jump host that it goes through; nil for none

	done chan struct{} // closed by watch; what follows is set before
	err  error         // why the connection ended

	mu    sync.Mutex // guards the following
	pulse *time.Timer
	cause error // why this side cut it
	shut  bool
}

// link connects and logs in to a host, and to those on the way before.
func (d *Dialer) link(ctx context.Context, h *host, file string, depth int) (*link, error) {
	if depth > maxHops {
		return nil, fault(luagw.StageResolve, fmt.Errorf("%s is behind more than %d jump hosts; ProxyJump may lead round in a circle", h, maxHops))
	}
	below, err := d.jump(ctx, h, file, depth)
	if err != nil {
		return nil, err
	}
	l, err := d.login(ctx, h, below)
	if err != nil && below != nil {
		below.close()
	}
	return l, err
}

// jump connects to the last of the jump hosts; nil if there are none.
func (d *Dialer) jump(ctx context.Context, h *host, file string, depth int) (way, error) {
	if len(h.jumps) == 0 {
		return nil, nil
	}
	last := len(h.jumps) - 1
	hop, err := d.hop(ctx, strings.TrimSpace(h.jumps[last]), file)
	if err != nil {
		return nil, fault(luagw.StageResolve, err)
	}
	if w := d.masterWay(ctx, hop); w != nil {
		return w, nil
	}
	if last > 0 {
		hop.jumps, hop.command = h.jumps[:last], ""
	}
	l, err := d.link(ctx, hop, file, depth+1)
	if err == nil {
		return l, nil
	}
	named := fmt.Errorf("jump host %s: %w", hop.name, err)
	at := &stageError{stage: luagw.StageDial, err: named}
	if inner, ok := errors.AsType[*stageError](err); ok {
		at.stage, at.said = inner.stage, inner.said
	}
	return nil, at
}

// login makes a connection to a host and logs in, and does so again if the
// server drops it at once, as sshd does when too many come at a time, or shows
// another key than the pinned one, of another type.
func (d *Dialer) login(ctx context.Context, h *host, below way) (*link, error) {
	leave, err := d.gate.enter(ctx, h.address())
	if err != nil {
		return nil, fault(luagw.StageDial, fmt.Errorf("%s: waiting for other logins: %w", h, err))
	}
	defer leave()
	if h.trust.pinned != "" {
		return d.loginPinned(ctx, h, below)
	}
	return d.insist(ctx, h, below, new(pinSearch))
}

// insist makes connections until one is not dropped.
func (d *Dialer) insist(ctx context.Context, h *host, below way, search *pinSearch) (*link, error) {
	until := search.until(h)
	for try := 0; ; try++ {
		l, err := d.tryLogin(ctx, h, below, search)
		dropped, ok := errors.AsType[*droppedError](err)
		if !ok {
			return l, err
		}
		if !dropped.again || !pause(ctx, try, until) {
			dropped.tries = try + 1
			return nil, err
		}
	}
}

// droppedError tells that a server closed a connection before its banner.
type droppedError struct {
	host  *host
	said  string // instead of a banner
	cause error
	again bool // it may be better next time
	tries int
}

func (e *droppedError) Error() string {
	text := fmt.Sprintf("%s takes the connection and closes it without a banner of ssh", e.host)
	switch {
	case e.said != "" && e.again:
		text += fmt.Sprintf(", %d times, and says %q: too many logins at a time", e.tries, e.said)
	case e.said != "":
		text += fmt.Sprintf(", but says %q: that is no ssh server", e.said)
	case e.tries > 1:
		text += fmt.Sprintf(", %d times: it refuses this address, or has too many logins at a time", e.tries)
	}
	return text
}

func (e *droppedError) Unwrap() error { return e.cause }

// tryLogin makes one connection and logs in.
func (d *Dialer) tryLogin(ctx context.Context, h *host, below way, search *pinSearch) (*link, error) {
	conn, err := d.dial(ctx, h, below, search.until(h))
	if err != nil {
		return nil, err
	}
	w := newWire(conn)
	known, err := h.trust.read()
	if err != nil {
		w.Close()
		return nil, fault(luagw.StageHostKey, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	clock, stop := startClock(ctx, h.each, luagw.StageHostKey, func() { w.Close(); cancel() })
	search.enter(clock)
	judge := &judge{trust: &h.trust, host: h, known: known, note: d.notice, write: &d.adding}
	attempt := d.newLogin(ctx, w, clock, judge)
	client, err := handshake(w, h.address(), attempt.config(search))
	attempt.ring.close()
	stop()
	if _, cut := clock.at(); err == nil && cut != nil {
		err = cut
	}
	if err != nil {
		w.Close()
		return nil, attempt.explain(w, err)
	}
	return watchLink(h, client, w, below), nil
}

// config is what the library needs to know.
func (l *login) config(search *pinSearch) *gossh.ClientConfig {
	h, judge := l.host, l.judge
	return &gossh.ClientConfig{
		Config: gossh.Config{
			Ciphers: h.algorithms.ciphers, MACs: h.algorithms.macs, KeyExchanges: h.algorithms.exchanges,
		},
		User:              h.user,
		ClientVersion:     clientVersion,
		HostKeyAlgorithms: search.algorithms(h.hostKeyAlgorithms(judge.known), l.dialer.pinnedType(h, judge.known)),
		HostKeyCallback: func(name string, remote net.Addr, key gossh.PublicKey) error {
			err := judge.check(name, remote, key)
			if err == nil {
				l.dialer.remember(h, key)
				l.clock.enter(luagw.StageAuth)
			}
			return err
		},
		BannerCallback: l.hear,
		AuthCallback:   l.choose,
	}
}

// handshake agrees on keys and logs in.
func handshake(w *wire, address string, config *gossh.ClientConfig) (*gossh.Client, error) {
	conn, channels, requests, err := gossh.NewClientConn(w, address, config)
	if err != nil {
		return nil, err
	}
	return gossh.NewClient(conn, channels, requests), nil
}

// explain makes a sentence of what the library returned.
func (l *login) explain(w *wire, err error) error {
	stage, cut := l.clock.at()
	if key, ok := errors.AsType[*HostKeyError](err); ok {
		return &stageError{stage: luagw.StageHostKey, err: key}
	}
	if auth, ok := errors.AsType[*AuthError](err); ok {
		return &stageError{stage: luagw.StageAuth, err: auth}
	}
	if cut != nil {
		return &stageError{stage: stage, err: l.silence(w, cut)}
	}
	broken := w.broken()
	if proxy, ok := errors.AsType[*proxyError](broken); ok {
		return &stageError{stage: luagw.StageDial, err: fmt.Errorf("cannot connect to %s: %w", l.host, proxy)}
	}
	switch {
	case !w.greeted:
		return &stageError{stage: luagw.StageDial, err: l.dropped(w, first(broken, err))}
	case isCut(broken):
		return &stageError{stage: stage, err: fmt.Errorf("%s has closed the connection%w", l.host, hidden{broken})}
	case stage == luagw.StageAuth:
		return &stageError{stage: stage, err: l.refusal(err)}
	}
	return &stageError{stage: stage, err: fmt.Errorf("%s: %w", l.host, plainError(err))}
}

// silence tells of a server that was waited for in vain.
func (l *login) silence(w *wire, cut error) error {
	if errors.Is(cut, errSilent) && !w.greeted {
		return fmt.Errorf("%s takes the connection and does not answer: %w", l.host, cut)
	}
	return fmt.Errorf("%s: %w", l.host, cut)
}

func (l *login) dropped(w *wire, err error) error {
	said := printable(string(w.preface))
	tooMany := strings.HasPrefix(said, "Exceeded MaxStartups") || strings.HasPrefix(said, "Not allowed at this time")
	return &droppedError{host: l.host, said: said, cause: err, again: isCut(err) && (said == "" || tooMany), tries: 1}
}

// isCut says whether err tells of the end of a connection, and nothing else.
func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// plainError is err without what the library puts in front.
func plainError(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil || !strings.HasPrefix(err.Error(), "ssh: ") {
			return err
		}
		err = inner
	}
}

// watchLink begins to look after a connection.
func watchLink(h *host, client *gossh.Client, w *wire, below way) *link {
	l := &link{host: h, client: client, wire: w, below: below, done: make(chan struct{})}
	if h.alive > 0 {
		l.pulse = time.AfterFunc(h.alive, l.beat)
	}
	go l.watch()
	return l
}

// watch waits for the end.
func (l *link) watch() {
	defer close(l.done)
	err := l.client.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err = l.cause; l.err == nil && err != nil {
		l.err = fmt.Errorf("the connection to %s is lost: %w", l.host, unended(first(l.wire.broken(), plainError(err))))
	}
	l.shut = true
}

// unended has words in the place of io.EOF, which a reader would take for the
// command's end.
func unended(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the server has closed it")
	}
	return err
}

// beat asks a silent peer for a sign of life, and gives up one that has been
// silent for too long.
func (l *link) beat() {
	limit := l.host.alive * time.Duration(l.host.aliveCount)
	silent := l.wire.silent()
	if silent >= limit {
		l.cut(fmt.Errorf("nothing came from %s for %v, not even an answer to being asked", l.host, limit))
		return
	}
	wait := l.host.alive
	if silent < wait { // something came meanwhile
		wait -= silent
	}
	l.mu.Lock()
	if !l.shut {
		l.pulse.Reset(min(wait, limit-silent))
	}
	asks := !l.shut && silent >= l.host.alive
	l.mu.Unlock()
	if asks {
		l.client.SendRequest("keepalive@openssh.com", true, nil) // any answer will do; ends with the connection
	}
}

// cut ends the connection at once.
func (l *link) cut(cause error) {
	l.mu.Lock()
	if l.cause == nil {
		l.cause = cause
	}
	l.mu.Unlock()
	l.wire.Close()
}

// close ends the connection and those below it, within closeTime each.
func (l *link) close() error {
	l.mu.Lock()
	l.shut = true
	if l.pulse != nil {
		l.pulse.Stop()
	}
	l.mu.Unlock()
	l.cut(luagw.ErrClosed)
	var err error
	timer := time.NewTimer(closeTime)
	defer timer.Stop()
	select {
	case <-l.done:
	case <-timer.C:
		err = fmt.Errorf("the connection to %s is still there %v after it was closed", l.host, closeTime)
	}
	if l.below != nil {
		err = errors.Join(err, l.below.close())
	}
	return err
}
