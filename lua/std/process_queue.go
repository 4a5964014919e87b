package std

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync"
)

const (
	// queueAhead is how many bytes of output are read ahead of the fragment.
	queueAhead = 1 << 20

	// maxLine is the length at which a line is delivered in pieces.
	maxLine = 1 << 20
)

// outputLine is a line of a child's output, without its end.
type outputLine struct {
	text   string
	stream string // "stdout" or "stderr"
}

// lineQueue holds the lines that a child has written and its fragment has not
// read. Its methods may be called concurrently.
type lineQueue struct {
	max int // bytes to hold while the fragment waits for something else

	mu      sync.Mutex // guards what follows
	lines   []outputLine
	size    int           // bytes in lines
	pumps   int           // streams which may bring more
	held    func()        // the fragment waits for something else: called when max is reached; nil if it does not
	closed  bool          // nobody will read any more
	changed chan struct{} // closed, and another put in its place, at each change
}

func newLineQueue(max int) *lineQueue {
	return &lineQueue{max: max, changed: make(chan struct{})}
}

// pump moves lines from r into the queue until r ends or the queue is closed,
// on a goroutine of its own, and closes r.
func (q *lineQueue) pump(r io.ReadCloser, stream string) {
	q.mu.Lock()
	q.pumps++
	q.mu.Unlock()
	go func() {
		defer q.finish()
		defer r.Close()
		lines := bufio.NewReaderSize(r, 64<<10)
		for {
			text, err := readLine(lines, maxLine)
			if err != nil && text == "" {
				return
			}
			if !q.put(outputLine{text, stream}) {
				return
			}
		}
	}()
}

// readLine reads a line without its end, or as much of it as max bytes. At the
// end of r it returns what is left together with the error.
func readLine(r *bufio.Reader, max int) (string, error) {
	var long []byte
	for {
		part, err := r.ReadSlice('\n')
		if err == nil && long == nil {
			return string(trimEnd(part)), nil
		}
		long = append(long, part...)
		switch {
		case err == nil:
			return string(trimEnd(long)), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return string(long), err
		case len(long) >= max:
			return string(long), nil
		}
	}
}

func trimEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

// put adds a line, when there is room. It reports whether anybody cares.
func (q *lineQueue) put(line outputLine) bool {
	for {
		added, changed := q.tryPut(line)
		if added {
			return true
		}
		if changed == nil {
			return false
		}
		<-changed
	}
}

// tryPut adds a line if there is room. If not it returns what to wait for, nil
// if the queue is closed.
func (q *lineQueue) tryPut(line outputLine) (added bool, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false, nil
	}
	if q.size < queueAhead || q.held != nil && q.size < q.max {
		q.lines = append(q.lines, line)
		q.size += len(line.text) + 1
		q.notify()
		return true, nil
	}
	if q.held != nil {
		q.held()
	}
	return false, q.changed
}

// take removes the first line. If there is none it returns what to wait for,
// nil if no line will come any more.
func (q *lineQueue) take() (line outputLine, ok bool, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) > 0 {
		line = q.lines[0]
		q.lines[0] = outputLine{} // to be collected
		q.lines = q.lines[1:]
		q.size -= len(line.text) + 1
		q.notify()
		return line, true, nil
	}
	if q.pumps == 0 || q.closed {
		return outputLine{}, false, nil
	}
	return outputLine{}, false, q.changed
}

// hold has the queue take up to its maximum, for the fragment waits for
// something that may not come before the child has got rid of its output.
// full is called when the maximum is reached, maybe more than once and with
// the queue locked. hold(nil) ends that.
func (q *lineQueue) hold(full func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held = full
	q.notify()
}

// finish tells that one stream has ended.
func (q *lineQueue) finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pumps--
	q.notify()
}

// close drops what is held and what may come.
func (q *lineQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lines, q.size, q.closed = nil, 0, true
	q.notify()
}

// notify wakes all that wait. mu must be held.
func (q *lineQueue) notify() {
	close(q.changed)
	q.changed = make(chan struct{})
}
