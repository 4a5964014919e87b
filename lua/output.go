package lua

import (
	"bytes"
	"strings"
	"sync"
)

// maxLine is where a line without an end is cut.
const maxLine = 64 << 10

// lineWriter emits what is written to it line by line, without line breaks. It
// may be used concurrently.
type lineWriter struct {
	emit func(line string) error

	mu   sync.Mutex // guards rest, and keeps lines whole
	rest []byte     // a line that has not ended yet
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		if err := w.line(p[:i]); err != nil {
			return n - len(p), err
		}
		p = p[i+1:]
	}
	w.rest = append(w.rest, p...)
	if len(w.rest) >= maxLine {
		return n, w.line(nil)
	}
	return n, nil
}

// line emits rest and end as one line.
func (w *lineWriter) line(end []byte) error {
	line := string(append(w.rest, end...))
	w.rest = w.rest[:0]
	return w.emit(strings.TrimSuffix(line, "\r"))
}

// flush emits a last line that has no line break.
func (w *lineWriter) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) == 0 {
		return nil
	}
	return w.line(nil)
}
