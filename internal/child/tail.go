package child

import (
	"bytes"
	"io"
	"sync"
)

// TailSize is how many bytes of a standard error are kept.
const TailSize = 16 << 10

// Tail keeps the end of what is written to it. The zero value is empty; all
// methods may be called concurrently.
type Tail struct {
	watching sync.Mutex // one write to the watcher at a time; guards it
	watcher  io.Writer

	mu   sync.Mutex // guards the following
	kept []byte     // at most twice TailSize, so that it moves seldom
	lost bool       // something came before
}

// Watch has w get what is kept, and then what is written, as it comes: w's
// Write holds up Write. Nil ends that. An error of w's ends it too.
func (t *Tail) Watch(w io.Writer) {
	t.watching.Lock()
	defer t.watching.Unlock()
	t.watcher = w
	if kept := t.String(); kept != "" {
		t.show([]byte(kept))
	}
}

// show shows p to the watcher. watching must be held.
func (t *Tail) show(p []byte) {
	if t.watcher == nil {
		return
	}
	if _, err := t.watcher.Write(p); err != nil {
		t.watcher = nil
	}
}

// Write keeps p, or its end.
func (t *Tail) Write(p []byte) (int, error) {
	t.watching.Lock()
	defer t.watching.Unlock()
	t.keep(p)
	t.show(p)
	return len(p), nil
}

func (t *Tail) keep(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(p) > TailSize {
		p, t.lost = p[len(p)-TailSize:], true
	}
	if len(t.kept)+len(p) > 2*TailSize {
		t.trim(TailSize - len(p))
	}
	t.kept = append(t.kept, p...)
}

// trim keeps the last n bytes.
func (t *Tail) trim(n int) {
	if cut := len(t.kept) - n; cut > 0 {
		t.kept = append(t.kept[:0], t.kept[cut:]...)
		t.lost = true
	}
}

// String returns the last TailSize bytes, from the beginning of a line unless
// a single line is longer.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trim(TailSize)
	if !t.lost {
		return string(t.kept)
	}
	if _, rest, ok := bytes.Cut(t.kept, []byte{'\n'}); ok && len(rest) > 0 {
		return string(rest)
	}
	return string(t.kept)
}
