package std

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
)

// cappedBuffer gathers a child's output up to a size, and then has the child
// ended: to cut the output short would be to lie about it.
type cappedBuffer struct {
	name     string // for the error
	max      int
	overflow context.CancelCauseFunc

	mu   sync.Mutex // guards data: a child that cannot be killed goes on writing
	data bytes.Buffer
}

func (b *cappedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.data.Len()+len(p) <= b.max {
		return b.data.Write(p)
	}
	err := fmt.Errorf("%s exceeds %d bytes (max_output)", b.name, b.max)
	b.overflow(err)
	return 0, err
}

func (b *cappedBuffer) take() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.Bytes()
}

// maxHomeLine is the length at which a line is sent home in pieces.
const maxHomeLine = 64 << 10

// lineWriter passes on whole lines, so that the output of two children is not
// mixed within a line. One goroutine writes; flush comes after it.
type lineWriter struct {
	w    io.Writer
	rest []byte // the line begun
}

func (lw *lineWriter) Write(p []byte) (int, error) {
	lw.rest = append(lw.rest, p...)
	end := bytes.LastIndexByte(lw.rest, '\n') + 1
	if len(lw.rest)-end > maxHomeLine {
		end = len(lw.rest)
	}
	if end == 0 {
		return len(p), nil
	}
	_, err := lw.w.Write(lw.rest[:end])
	lw.rest = append(lw.rest[:0], lw.rest[end:]...)
	return len(p), err
}

// flush passes on a last line that has no end.
func (lw *lineWriter) flush() error {
	if len(lw.rest) == 0 {
		return nil
	}
	_, err := lw.w.Write(append(lw.rest, '\n'))
	lw.rest = nil
	return err
}
