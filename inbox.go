package luagw

import "sync"

// inboxSize is how many bytes of items a channel keeps for its receiver before
// it stops reading from its stream. What lies beyond waits in the stream's
// window, and then the sender waits.
const inboxSize = 256 << 10

// inbox holds what arrived on a channel and was not received yet: items first,
// and then, for good, the reason why no more will come.
type inbox struct {
	mu     sync.Mutex // guards the following
	chunks [][]byte   // runs of whole item frames, none empty
	bytes  int        // in chunks
	err    error      // why no more items come; nil while they may
	closed bool       // nobody will receive any more

	ready   chan struct{} // cap 1: there is an item or an err
	waiting int           // receivers that wait for ready
	room    chan struct{} // cap 1: the reader may go on
}

func (in *inbox) init() {
	in.ready = make(chan struct{}, 1)
	in.room = make(chan struct{}, 1)
}

// push adds a run of item frames. It returns false when the reader should wait
// for room before it reads on.
func (in *inbox) push(items []byte) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || in.err != nil {
		return true
	}
	in.chunks = append(in.chunks, items)
	in.bytes += len(items)
	in.signal()
	return in.bytes < inboxSize
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
func (in *inbox) close(err error) (dropped [][]byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.err = err
	dropped = in.chunks
	in.chunks, in.bytes = nil, 0
	in.signal()
	in.makeRoom()
	return dropped
}

// pop takes one item's payload. With none there it returns nil and the reason
// why none will come, or nil while one may.
func (in *inbox) pop() ([]byte, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.chunks) == 0 {
		if in.err != nil {
			in.signal()
		}
		return nil, in.err
	}
	chunk := in.chunks[0]
	n, _ := frameLength(chunk) // the reader has checked it
	payload := chunk[frameHeader : frameHeader+n : frameHeader+n]
	if rest := chunk[frameHeader+n:]; len(rest) > 0 {
		in.chunks[0] = rest
	} else {
		in.chunks[0] = nil
		in.chunks = in.chunks[1:]
	}
	full := in.bytes >= inboxSize
	in.bytes -= frameHeader + n
	if full && in.bytes < inboxSize {
		in.makeRoom()
	}
	if len(in.chunks) > 0 || in.err != nil {
		in.signal()
	}
	return payload, nil
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
}

func (in *inbox) makeRoom() {
	select {
	case in.room <- struct{}{}:
	default:
	}
}
