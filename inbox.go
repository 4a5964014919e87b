package luagw

import "sync"

const (
	// inboxSize is how many bytes of items may wait for their receiver while
	// the peer may send on what exceeds its window: the rest of a large item.
	inboxSize = 256 << 10

	// creditStep is how many bytes are taken before the stream is told.
	creditStep = 32 << 10
)

// inbox holds what arrived on a channel and was not received yet: items first,
// and then, for good, the reason why no more will come. What is not received
// counts against the stream's window, and then the sender waits: its methods
// return the credit, how many bytes the peer may send more.
type inbox struct {
	mu     sync.Mutex // guards the following
	chunks [][]byte   // runs of whole item frames, none empty
	bytes  int        // in chunks
	err    error      // why no more items come; nil while they may
	closed bool       // nobody will receive any more

	partial int // bytes of an item of which the rest is still to come
	ahead   int // bytes of all that is here for which credit was given already
	owed    int // bytes that were taken and for which it was not

	wake    func()        // is called after ready was filled; must not block
	ready   chan struct{} // cap 1: there is an item or an err
	waiting int           // receivers that wait for ready
}

func (in *inbox) init(wake func()) { in.ready, in.wake = make(chan struct{}, 1), wake }

// push adds a run of item frames, of which the first bytes came as a part. They
// are not taken if nobody will receive them.
func (in *inbox) push(items []byte, part int) (credit int, taken bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.partial -= part
	if in.closed || in.err != nil {
		return in.releaseLocked(len(items)), false
	}
	in.chunks = append(in.chunks, items)
	in.bytes += len(items)
	in.signal()
	return 0, true
}

// credited notes that for the next n bytes that come credit was given already.
func (in *inbox) credited(n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ahead += n
}

// addPart notes that a part of an item has come.
func (in *inbox) addPart(n int) (credit int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.partial += n
	return in.releaseLocked(0)
}

// skip notes that n bytes came which nobody will receive, the first of them as
// a part.
func (in *inbox) skip(n, part int) (credit int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.partial -= part
	return in.releaseLocked(n)
}

// releaseLocked gives credit for n bytes that are here no more, and for the part
// of a large item as long as little else waits: otherwise its rest would never
// come.
func (in *inbox) releaseLocked(n int) (credit int) {
	given := min(n, in.ahead)
	in.ahead -= given
	in.owed += n - given
	if in.bytes < inboxSize && in.partial > in.ahead {
		in.owed += in.partial - in.ahead
		in.ahead = in.partial
	}
	if in.owed < creditStep {
		return 0
	}
	credit, in.owed = in.owed, 0
	return credit
}

// end says that no more items come. The first reason stays.
func (in *inbox) end(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = err
	}
	in.signal()
}

// close returns what was not received, for receivers get err from now on.
func (in *inbox) close(err error) (dropped [][]byte, credit int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.err = err
	dropped = in.chunks
	n := in.bytes
	in.chunks, in.bytes = nil, 0
	in.signal()
	return dropped, in.releaseLocked(n)
}

// pop takes one item's payload. With none there it returns nil and the reason
// why none will come, or nil while one may.
func (in *inbox) pop() (payload []byte, credit int, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.chunks) == 0 {
		if in.err != nil {
			in.signal()
		}
		return nil, 0, in.err
	}
	chunk := in.chunks[0]
	n, _ := frameLength(chunk) // the reader has checked it
	if rest := chunk[frameHeader+n:]; len(rest) > 0 {
		payload = chunk[frameHeader : frameHeader+n : frameHeader+n]
		in.chunks[0] = rest
	} else {
		payload = chunk[frameHeader:]
		in.chunks[0] = nil
		in.chunks = in.chunks[1:]
	}
	in.bytes -= frameHeader + n
	if len(in.chunks) > 0 || in.err != nil {
		in.signal()
	}
	return payload, in.releaseLocked(frameHeader + n), nil
}

// unpop puts an item's frame back to the front, for which pop has given credit
// already. It is not taken if nobody will receive it any more.
func (in *inbox) unpop(frame []byte) (taken bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	in.chunks = append([][]byte{frame}, in.chunks...)
	in.bytes += len(frame)
	in.ahead += len(frame)
	in.signal()
	return true
}

// unread is the number of bytes that wait to be received.
func (in *inbox) unread() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.bytes
}

// wait registers a receiver that is about to wait for ready; done unregisters
// it. It returns false if there is something to pop already.
func (in *inbox) wait() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.chunks) > 0 || in.err != nil {
		return false
	}
	in.waiting++
	return true
}

func (in *inbox) done() {
	in.mu.Lock()
	in.waiting--
	in.mu.Unlock()
}

// signal wakes one waiting receiver, who wakes the next if more is left.
func (in *inbox) signal() {
	if in.waiting == 0 {
		return
	}
	select {
	case in.ready <- struct{}{}:
	default:
	}
	in.wake()
}
