package mux

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/luagw/luagw/internal/busy"
)

// collector is a Receiver that keeps what it gets.
type collector struct {
	got    bytes.Buffer
	refuse error // what Arrive returns
	pieces chan int
	ended  chan error
}

func newCollector() *collector {
	return &collector{pieces: make(chan int, 1<<10), ended: make(chan error, 2)}
}

func (c *collector) Arrive(p []byte) error {
	c.got.Write(p)
	c.pieces <- len(p)
	return c.refuse
}

func (c *collector) End(err error) { c.ended <- err }

func (c *collector) awaitEnd(t *testing.T) error {
	t.Helper()
	select {
	case err := <-c.ended:
		return err
	case <-time.After(patience):
		t.Fatal("the end was not told")
		return nil
	}
}

func TestReceiverGetsAllInOrder(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		near, far := stream(t, client, server)
		text := bytes.Repeat([]byte("0123456789abcdef"), 8<<10)
		if _, err := near.Write(text[:100]); err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 10)
		if _, err := io.ReadFull(far, head); err != nil {
			t.Fatal(err)
		}
		c := newCollector()
		if err := far.Deliver(c); err != nil {
			t.Fatal(err)
		}
		if _, err := near.Write(text[100:]); err != nil {
			t.Fatal(err)
		}
		near.Close()
		if err := c.awaitEnd(t); err != io.EOF {
			t.Errorf("End(%v), want EOF", err)
		}
		if got := append(head, c.got.Bytes()...); !bytes.Equal(got, text) {
			t.Errorf("%d bytes arrived, want the %d that were written", len(got), len(text))
		}
	})
}

func TestReceiverOfWhatHasEnded(t *testing.T) {
	client, server := pair(t, connections[0].connect, nil)
	near, far := stream(t, client, server)
	near.Write([]byte("x"))
	near.Close()
	awaitNone(t, func() int {
		far.mu.Lock()
		defer far.mu.Unlock()
		if far.finGot {
			return 0
		}
		return 1
	})
	c := newCollector()
	if err := far.Deliver(c); err != nil {
		t.Fatal(err)
	}
	if err := c.awaitEnd(t); err != io.EOF || c.got.String() != "x" {
		t.Errorf("got %q and End(%v), want x and EOF", c.got.String(), err)
	}
	if len(c.ended) > 0 {
		t.Error("the end was told twice")
	}
}

// A writer goes on only when what it wrote was consumed.
func TestReceiverGivesCredit(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, &Config{Window: MinWindow})
		near, far := stream(t, client, server)
		c := newCollector()
		if err := far.Deliver(c); err != nil {
			t.Fatal(err)
		}
		written := make(chan error, 1)
		go func() {
			_, err := near.Write(make([]byte, 3*MinWindow))
			written <- err
		}()
		arrived := 0
		for arrived < MinWindow {
			arrived += <-c.pieces
		}
		if arrived > MinWindow {
			t.Errorf("%d bytes arrived without credit, want %d", arrived, MinWindow)
		}
		far.Consumed(arrived)
		for more := 0; more < 2*MinWindow; {
			n := <-c.pieces
			far.Consumed(n)
			more += n
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
	})
}

func TestReceiverThatRefusesEndsTheSession(t *testing.T) {
	client, server := pair(t, connections[0].connect, nil)
	near, far := stream(t, client, server)
	c := newCollector()
	c.refuse = errors.New("not that")
	if err := far.Deliver(c); err != nil {
		t.Fatal(err)
	}
	near.Write([]byte("x"))
	<-server.Done()
	if err := server.Err(); err != c.refuse {
		t.Errorf("the session ended with %v, want %v", err, c.refuse)
	}
}

// What arrived before the connection ended is delivered before Accept says so.
func TestAcceptReturnsAfterTheLastBytes(t *testing.T) {
	onEach(t, func(t *testing.T, connect connect) {
		client, server := pair(t, connect, nil)
		near, far := stream(t, client, server)
		c := newCollector()
		if err := far.Deliver(c); err != nil {
			t.Fatal(err)
		}
		near.Write(make([]byte, 100<<10))
		client.Close()
		if _, err := server.Accept(testContext(t)); err == nil {
			t.Fatal("Accept got a stream")
		}
		if c.got.Len() != 100<<10 {
			t.Errorf("%d bytes had been delivered, want all", c.got.Len())
		}
	})
}

// TestCreditWaitsForRoom has a connection that is full when credit is given: it
// must neither wait for room nor lose the frame.
func TestCreditWaitsForRoom(t *testing.T) {
	peer, end := filePipes(t)
	room, ok := any(end).(busy.WritePoller)
	if !ok {
		t.Skip("this system's pipes cannot be written to without waiting")
	}
	junk := 0
	for n := 1; n > 0; junk += n {
		n = room.PollWrite(make([]byte, 64<<10), 0)
	}
	server, err := Server(end, &Config{KeepAlive: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	peer.Write(append(frame(typeUpdate, flagSYN, 0), frame(typeData, 0, MinWindow)...))
	peer.Write(make([]byte, MinWindow))
	st := accept(t, server)
	c := newCollector()
	if err := st.Deliver(c); err != nil {
		t.Fatal(err)
	}
	for arrived := 0; arrived < MinWindow; {
		arrived += <-c.pieces
	}
	st.Consumed(MinWindow)

	if _, err := io.CopyN(io.Discard, peer, int64(junk)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, headerSize)
	if _, err := io.ReadFull(peer, got); err != nil {
		t.Fatal(err)
	}
	if h := parseHeader(got); h.typ != typeUpdate || h.stream != 1 || h.length != MinWindow {
		t.Errorf("got %+v, want credit for %d bytes", h, MinWindow)
	}
}
