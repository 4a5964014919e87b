package luagw_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua"
	"github.com/luagw/luagw/mux"
)

// returning runs nothing.
type returning struct{}

func (returning) Run(ctx context.Context, chunk *luagw.Chunk, ch *luagw.Channel) error {
	chunk.Results = chunk.Args
	return nil
}

// hostileSeeds are what peers say on a stream, or straight on the connection.
var hostileSeeds = []string{
	"",
	"\x00\x00\x00\x00\x77",
	"\xff\xff\xff\xff\x01",
	"\x00\x00\x10\x00\x01abc",
	"\x00\x00\x00\x01\x03\xc1",
	"\x00\x00\x00\x0c\x10\x94\xa1f\xa8return 1\x90\x90",
	"\x00\x00\x00\x0e\x10\x94\xa1f\xa8return 1\x90\x90",
	"\x00\x00\x00\x06\x10\x94\xc0\xc0\xc0\xc0",
	"\x00\x00\x00\x00\x11\x00\x00\x00\x01\x01\x05",
	"\x00\x00\x00\x03\x12\x91\xa1x",
	"\x00\x00\x00\x00\x13",
	"\x00\x00\x00\x08\x14\x96\xa0\x80\x00\x00\x00\x00",
	"\x00\x00\x00\x08\x14\x96\xa0\x80\x00\x00\x00\x00\x00\x00\x00\x02\x21\x91\x03",
	"\x00\x00\x00\x06\x01\xd6\x01\x00\x00\x00\x07",
	"\x00\x01\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00",
}

// within fails a fuzz test whose f does not return.
func within(t *testing.T, d time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(d):
		t.Fatalf("%s did not end within %v", what, d)
	}
}

// FuzzAgent is an agent whose near side is hostile: it says what it should not
// straight on the connection, or on a stream. Whatever it is, the agent ends
// when the connection does.
func FuzzAgent(f *testing.F) {
	for _, seed := range hostileSeeds {
		f.Add([]byte(seed), true, true)
		f.Add([]byte(seed), false, false)
		f.Add([]byte(seed), true, false)
	}
	f.Fuzz(func(t *testing.T, said []byte, onStream, inLua bool) {
		agent := &luagw.Agent{Runner: returning{}}
		if inLua {
			agent.Runner = &lua.Runtime{Limits: luagw.Limits{Time: time.Second}}
		}
		near, far := net.Pipe()
		served := make(chan struct{})
		go func() { defer close(served); agent.Serve(context.Background(), far) }()
		within(t, 10*time.Second, "the near side", func() { sayToAgent(near, said, onStream) })
		within(t, 10*time.Second, "the agent", func() { <-served })
	})
}

// sayToAgent reads the agent's hello, says something, and hangs up.
func sayToAgent(near net.Conn, said []byte, onStream bool) {
	defer near.Close()
	for n, b := 0, make([]byte, 1); n < 2; {
		if _, err := near.Read(b); err != nil {
			return
		}
		if b[0] == '\n' {
			n++
		}
	}
	if !onStream {
		go io.Copy(io.Discard, near)
		near.Write(said)
		return
	}
	session, err := mux.Client(near, &mux.Config{KeepAlive: -1})
	if err != nil {
		return
	}
	defer session.Close()
	for range 2 {
		stream, err := session.Open(context.Background())
		if err != nil {
			return
		}
		stream.Write(said)
		stream.SetReadDeadline(time.Now().Add(2 * time.Millisecond))
		io.Copy(io.Discard, stream)
	}
}

// FuzzGateway is a gateway whose agent is hostile: it says a right hello, and
// then what it should not, straight or on every stream. Whatever it is, all
// calls return and the gateway closes.
func FuzzGateway(f *testing.F) {
	for _, seed := range hostileSeeds {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, said []byte, onStream bool) {
		act := answering(string(said))
		if !onStream {
			act = func(_ *mux.Session, conn net.Conn) { conn.Write(said); conn.Close() }
		}
		g := &luagw.Group{Dial: hostile(act), Print: func(string, string) {}}
		within(t, 15*time.Second, "the gateway", func() {
			defer g.Close()
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			gw, err := g.Open(ctx, "popen")
			if err != nil {
				return
			}
			c, err := gw.RemoteExec(ctx, "return 1", "argument")
			if err != nil {
				return
			}
			for range c.Items(ctx) {
			}
			c.Results(ctx)
			gw.Status(ctx)
		})
	})
}
