package child

import (
	"bytes"
	"sync"
)

// TailSize is how many bytes of a standard error are kept.
const TailSize = 16 << 10

// tail keeps the end of what is written to it. It may be used concurrently.
type tail struct {
	mu   sync.Mutex // guards the following
	kept []byte     // at most twice TailSize, so that it moves seldom
	lost bool       // something came before
}

// Write keeps p, or its end.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if len(p) > TailSize {
		p, t.lost = p[len(p)-TailSize:], true
	}
	if len(t.kept)+len(p) > 2*TailSize {
		t.trim(TailSize - len(p))
	}
	t.kept = append(t.kept, p...)
	return n, nil
}

// trim keeps the last n bytes.
func (t *tail) trim(n int) {
	if cut := len(t.kept) - n; cut > 0 {
		t.kept = append(t.kept[:0], t.kept[cut:]...)
		t.lost = true
	}
}

// String returns the last TailSize bytes, from the beginning of a line unless
// a single line is longer.
func (t *tail) String() string {
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
