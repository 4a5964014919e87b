// Package busy waits for input, and for room for output, without going to sleep.
//
// A process that sleeps until its peer has answered has to be woken: that takes
// longer than a peer on the same machine needs for a short answer, many times
// longer where the processor sleeps with it. Whoever expects the answer within a
// moment therefore looks for it again and again, and lets others have the
// processor in between. The kernel does the same for sockets (net.core.busy_poll
// in socket(7) and Documentation/admin-guide/sysctl/net.rst).
package busy

import (
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// Poller is a connection that can be asked for what arrives within d, without
// going to sleep. Its Read tells what else there is to tell.
type Poller interface {
	Poll(p []byte, d time.Duration) int
}

// WritePoller is a connection that can be given what it takes without going to
// sleep, while it takes something every d. Its Write takes the rest.
type WritePoller interface {
	PollWrite(p []byte, d time.Duration) int
}

// Of returns the Poller that conn is, or that can be made of it; nil if it cannot
// be asked. Agents do without: it links 29 KB of package net.
func Of(conn any) Poller {
	switch c := conn.(type) {
	case Poller:
		return c
	case *net.UnixConn:
		return NewReader(c)
	case *net.TCPConn:
		return NewReader(c)
	}
	return nil
}

// Reader looks for input of a file or socket. Its nil is one that never finds
// any.
type Reader struct{ conn syscall.RawConn }

// NewReader returns nil where input cannot be waited for like that.
func NewReader(c syscall.Conn) *Reader {
	if !possible {
		return nil
	}
	conn, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return &Reader{conn}
}

// waiting is how many goroutines of this process are waiting like this.
var waiting atomic.Int32

// Poll reads what comes within d. It returns 0 if nothing does, and for
// whatever an ordinary Read is better at telling: the end of the input, an
// error, a deadline that has passed. It also does when so many others wait like
// this already that the program's other goroutines would be held up.
func (r *Reader) Poll(p []byte, d time.Duration) (n int) {
	if r == nil || len(p) == 0 || !begin() {
		return 0
	}
	defer end()
	r.conn.Read(func(fd uintptr) bool {
		n = read(int(fd), p, d)
		return true
	})
	return n
}

// Writer looks for room for output in a file or socket. Its nil is one that never
// finds any.
type Writer struct{ conn syscall.RawConn }

// NewWriter returns nil where room cannot be waited for like that.
func NewWriter(c syscall.Conn) *Writer {
	if !possible {
		return nil
	}
	conn, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return &Writer{conn}
}

// PollWrite writes p, as long as some of it is taken every d; with d = 0 it does
// not wait at all. It returns how much was taken: less than all also for
// whatever an ordinary Write is better at telling, and when so many others wait
// like this already that the program's other goroutines would be held up.
func (w *Writer) PollWrite(p []byte, d time.Duration) (n int) {
	if w == nil || len(p) == 0 {
		return 0
	}
	if d > 0 {
		if !begin() {
			return 0
		}
		defer end()
	}
	w.conn.Write(func(fd uintptr) bool {
		n = write(int(fd), p, d)
		return true
	})
	return n
}

// begin says whether one more may wait. If so, end must follow.
func begin() bool {
	procs := runtime.GOMAXPROCS(0)
	if waiting.Add(1) > max(1, int32(procs)/2) {
		end()
		return false
	}
	if procs == 1 {
		runtime.Gosched() // who can run does so first
	}
	return true
}

func end() { waiting.Add(-1) }
