package mux

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/hashicorp/yamux"
)

// frame is the header of a frame on the first stream.
func frame(kind byte, flags uint16, length int) []byte {
	return header{typ: kind, flags: flags, stream: 1, length: uint32(length)}.append(nil)
}

// Over a session it depends on the scheduler, so most must do.
func TestOpeningAndAnsweringCostOneWriteEach(t *testing.T) {
	near, far := memoryPipe()
	client, server := sessions(t, near, far, nil, nil)
	const rounds = 50
	for range rounds {
		here, there := stream(t, client, server)
		checkCarries(t, here, there, "question")
		checkCarries(t, there, here, "answer")
		here.Close()
		there.Close()
	}
	for name, lane := range map[string]*lane{"client": near.out, "server": far.out} {
		if got, _ := lane.counts(); got > 4*rounds {
			t.Errorf("%s: got %d writes for %d streams", name, got, rounds)
		}
	}
}

func TestHeldFramesLeaveByThemselves(t *testing.T) {
	near, far := memoryPipe()
	client, err := Client(near, &Config{KeepAlive: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, headerSize)
	if _, err := io.ReadFull(far, got); err != nil {
		t.Fatal(err)
	}
	if h := parseHeader(got); h.typ != typeUpdate || h.flags != flagSYN || h.stream != 1 {
		t.Errorf("got %+v, want the frame that opens stream 1", h)
	}
}

// peerStream is a stream of hashicorp/yamux's, as these tests use it.
type peerStream = io.ReadWriteCloser

// withYamux runs a test with this package on one end and hashicorp/yamux on
// the other, in both roles.
func withYamux(t *testing.T, test func(t *testing.T, ours *Session, theirs *yamux.Session)) {
	for _, role := range []string{"client", "server"} {
		t.Run("as "+role, func(t *testing.T) {
			near, far := memoryPipe()
			cfg := yamux.DefaultConfig()
			cfg.LogOutput = io.Discard
			ourEnd, theirEnd := Client, yamux.Server
			if role == "server" {
				ourEnd, theirEnd = Server, yamux.Client
			}
			ours, err := ourEnd(near, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer ours.Close()
			theirs, err := theirEnd(far, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer theirs.Close()
			test(t, ours, theirs)
		})
	}
}

func TestStreamsOpenedHereWorkWithYamux(t *testing.T) {
	withYamux(t, func(t *testing.T, ours *Session, theirs *yamux.Session) {
		for i := range 600 { // more than may wait to be accepted
			near, err := ours.Open(testContext(t))
			if err != nil {
				t.Fatalf("Open %d: %v", i, err)
			}
			checkSends(t, near, "there")
			far, err := theirs.AcceptStream()
			if err != nil {
				t.Fatalf("AcceptStream %d: %v", i, err)
			}
			checkGets(t, far, "there")
			checkSends(t, far, "back")
			checkGets(t, near, "back")
			near.Close()
			far.Close()
			checkEnds(t, near)
			checkEnds(t, far)
		}
		awaitNone(t, ours.NumStreams)
		awaitNone(t, theirs.NumStreams)
	})
}

func TestStreamsOpenedByYamuxWorkHere(t *testing.T) {
	withYamux(t, func(t *testing.T, ours *Session, theirs *yamux.Session) {
		for i := range 600 {
			far, err := theirs.OpenStream()
			if err != nil {
				t.Fatalf("OpenStream %d: %v", i, err)
			}
			checkSends(t, far, "there")
			near, err := ours.Accept(testContext(t))
			if err != nil {
				t.Fatalf("Accept %d: %v", i, err)
			}
			checkGets(t, near, "there")
			far.Close()
			checkEnds(t, near)
			checkSends(t, near, "back, though the other way is closed")
			near.Close()
			checkGets(t, far, "back, though the other way is closed")
			checkEnds(t, far)
		}
		awaitNone(t, ours.NumStreams)
		awaitNone(t, theirs.NumStreams)
	})
}

func TestMuchMoreThanTheWindowPassesBothWaysWithYamux(t *testing.T) {
	withYamux(t, func(t *testing.T, ours *Session, theirs *yamux.Session) {
		near, err := ours.Open(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		far, err := theirs.AcceptStream()
		if err != nil {
			t.Fatal(err)
		}
		const much = 20 * DefaultWindow
		for _, way := range []struct{ from, to peerStream }{{near, far}, {far, near}} {
			sent := during(func() {
				if _, err := way.from.Write(make([]byte, much)); err != nil {
					t.Errorf("Write: %v", err)
				}
			})
			if n, err := io.CopyN(io.Discard, way.to, much); err != nil {
				t.Fatalf("got %d bytes and %v", n, err)
			}
			wait(t, "Write", sent)
		}
	})
}

func TestPingsAndTheEndWorkWithYamux(t *testing.T) {
	withYamux(t, func(t *testing.T, ours *Session, theirs *yamux.Session) {
		if _, err := ours.Ping(); err != nil {
			t.Errorf("Ping: %v", err)
		}
		if _, err := theirs.Ping(); err != nil {
			t.Errorf("yamux's Ping: %v", err)
		}
		if err := theirs.GoAway(); err != nil {
			t.Fatal(err)
		}
		if _, err := theirs.Ping(); err != nil {
			t.Errorf("yamux's Ping: %v", err)
		}
		if _, err := ours.Open(context.Background()); err != errGoneAway {
			t.Errorf("Open: got %v, want %v", err, errGoneAway)
		}
		theirs.Close()
		wait(t, "Done", ours.Done())
		if err := ours.Err(); err != io.EOF {
			t.Errorf("Err: got %v, want %v", err, io.EOF)
		}
	})
}

func checkSends(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatalf("Write: %v", err)
	}
}

func checkGets(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("Read: got %q and %v, want %q", got, err, want)
	}
}

func checkEnds(t *testing.T, r io.Reader) {
	t.Helper()
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("Read at the end: got %d and %v", n, err)
	}
}

// awaitNone waits until a session has no streams.
func awaitNone(t *testing.T, count func() int) {
	t.Helper()
	deadline := time.After(patience)
	for count() > 0 {
		select {
		case <-deadline:
			t.Fatal(fmt.Errorf("%d streams are left", count()))
		case <-time.After(time.Millisecond):
		}
	}
}
