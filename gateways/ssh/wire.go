package ssh

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// maxPreface is how much is kept of what comes before a server's banner.
const maxPreface = 1 << 10

// wire is the connection below SSH. It remembers what the library does not
// tell: what came instead of a banner, and when anything came.
type wire struct {
	net.Conn
	heard atomic.Int64 // when bytes came last, in nanoseconds since start
	start time.Time
	trip  time.Duration // to the server and back, at the connecting; 0 if it goes there by others

	running atomic.Bool // a command runs: nothing needs to be acknowledged at once any more

	preface []byte     // up to the banner; only for the reader, and after the login
	greeted bool       // the banner has come
	mu      sync.Mutex // guards the following
	failed  error      // the first error
	expect  int        // bytes of the write that is waited for; 0 for none
	sent    chan struct{}

	closing  sync.Once
	closeErr error
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn, start: time.Now()}
	if direct, ok := conn.(*directConn); ok {
		w.Conn, w.trip = direct.Conn, direct.trip
	}
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.heard.Store(int64(time.Since(w.start)))
	}
	if !w.greeted {
		w.greet(p[:n])
	} else if !w.running.Load() {
		acknowledge(w.Conn)
	}
	w.fail(err)
	return n, err
}

// fail keeps the first error, but for those of a connection that was closed on
// this side, which the library does whatever has failed.
func (w *wire) fail(err error) {
	if err == nil || errors.Is(err, net.ErrClosed) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = err
	}
}

// broken tells what has failed below SSH; nil if nothing has. The library's own
// errors often tell of what followed from that.
func (w *wire) broken() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// greet looks for the banner, a line that begins with SSH-.
func (w *wire) greet(p []byte) {
	w.preface = append(w.preface, p...)
	at := bytes.LastIndexByte(w.preface, '\n') + 1
	if bytes.HasPrefix(w.preface[at:], []byte("SSH-")) {
		w.greeted, w.preface = true, nil
	} else if len(w.preface) > maxPreface {
		w.preface = append(w.preface[:0], w.preface[at:]...)
		w.preface = w.preface[:min(len(w.preface), maxPreface)]
	}
}

// Write writes a packet, or the beginning or rest of one.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	if w.expect > 0 && len(p) >= w.expect {
		w.expect = 0
		close(w.sent)
	}
	w.mu.Unlock()
	n, err := w.Conn.Write(p)
	w.fail(err)
	return n, err
}

// await tells when a packet of at least size bytes begins to be written: what
// is given to the library from then on comes behind it.
func (w *wire) await(size int) <-chan struct{} {
	const most = 2 << 10 // the library hands over long packets in parts of 4 KiB
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expect, w.sent = min(size, most), make(chan struct{})
	return w.sent
}

// silent is how long nothing has come.
func (w *wire) silent() time.Duration {
	return time.Since(w.start) - time.Duration(w.heard.Load())
}

// Close closes the connection once, so that whoever is first decides why.
func (w *wire) Close() error {
	w.closing.Do(func() { w.closeErr = w.Conn.Close() })
	return w.closeErr
}
