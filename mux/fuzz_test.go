package mux

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"testing"
	"time"
)

// FuzzSession lets arbitrary bytes come from the peer. Whatever they are, the
// session ends with the connection, and takes no more memory than its windows.
func FuzzSession(f *testing.F) {
	for _, seed := range fuzzSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		before := allocated()
		near, far := memoryPipe()
		s, err := Server(near, &Config{Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		served := during(func() { serveEcho(s) })
		answers := during(func() { io.Copy(io.Discard, far) })
		far.Write(sent)
		far.out.end(io.EOF, io.ErrClosedPipe)

		wait(t, "Done", s.Done())
		if s.Err() == nil || s.Err() != s.Err() {
			t.Errorf("Err: got %v, then %v", s.Err(), s.Err())
		}
		s.Close()
		wait(t, "streams", served)
		wait(t, "answers", answers)
		if grown, limit := allocated()-before, uint64(64<<20); grown > limit {
			t.Errorf("allocated %d bytes for %d sent, want %d at most", grown, len(sent), limit)
		}
	})
}

// serveEcho accepts streams and sends back what comes, until the session ends.
func serveEcho(s *Session) {
	var streams []<-chan struct{}
	for {
		st, err := s.Accept(context.Background())
		if err != nil {
			break
		}
		streams = append(streams, during(func() {
			io.Copy(st, st)
			st.Close()
		}))
	}
	for _, ended := range streams {
		<-ended
	}
}

// allocated is all that was ever allocated.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// fuzzSeeds are what a real client sends, and some mistakes.
func fuzzSeeds(f *testing.F) [][]byte {
	join := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	open := frame(typeUpdate, flagSYN, 0)
	return [][]byte{
		recordClient(f),
		nil,
		nonsense,
		join(open, open),
		join(open, frame(typeData, 0, 3), []byte("abc"), frame(typeUpdate, flagFIN, 0)),
		join(open, frame(typeUpdate, flagFIN, 0), frame(typeUpdate, flagFIN, 0)),
		join(open, frame(typeUpdate, 8, 0), frame(typeData, 0, 1), []byte("a")), // RST
		join(open, frame(typeData, 0, 1<<32-1)),
		join(open, frame(typeData, 0, MinWindow), []byte("cut off")),
		join(open, frame(typeUpdate, 0, 1<<32-1), frame(typeUpdate, 0, 1<<32-1)),
		join(frame(typeUpdate, flagACK, 0), frame(typeData, flagACK, 0)),
		join(frame(typePing, flagSYN, 1), frame(typePing, flagACK, 1), frame(typePing, 0, 0)),
		frame(3, 0, 0), frame(3, 0, 1), frame(3, 0, 9), frame(4, 0, 0),
	}
}

// recordClient returns what a client sends that opens, writes and closes.
func recordClient(f *testing.F) []byte {
	near, far := memoryPipe()
	client, err := Client(near, nil)
	if err != nil {
		f.Fatal(err)
	}
	for range 3 {
		st, err := client.Open(context.Background())
		if err != nil {
			f.Fatal(err)
		}
		io.WriteString(st, "what a client sends")
		st.Close()
	}
	client.Close()
	sent, _ := io.ReadAll(far)
	far.Close()
	return sent
}
