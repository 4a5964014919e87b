package luagw

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/luagw/luagw/mux"
)

const (
	// maxQueued is how many fragments may wait for their turn where their
	// number is limited.
	maxQueued = 1 << 10

	// stopTimeout is how long fragments may take to end once their connection
	// has.
	stopTimeout = 2 * time.Second
)

// Chunk is a fragment as an agent gets it.
type Chunk struct {
	Name    string // in errors and tracebacks
	Source  string
	Args    []any // as Receive would return them
	Results []any // what the chunk returned; set by Run

	modules map[string]string // source by name: what the near side sent ahead
}

// Runner runs chunks; lua.Runtime is one. Run is called concurrently, and
// returns when the chunk has ended or soon after ctx has. An error goes to the
// near side, best as a [*RemoteError] with a traceback.
type Runner interface {
	Run(ctx context.Context, chunk *Chunk, ch *Channel) error
}

// Agent is the far side of a gateway. Its fields may be set before Serve is
// called first.
type Agent struct {
	Runner Runner   // required
	Dial   DialFunc // reaches further for Gateway.Dial; refused if nil

	process bool      // the process is the agent's own: settings may change it
	procs   *procs    // of the process; nil if process is false
	audit   *audit    // is told of fragments; nil for nobody
	stray   io.Reader // what was written to its standard output; nil if process is false
}

// Serve runs fragments for the near side at the other end of conn, until ctx or
// the connection ends. Then it cancels what runs, waits a little for it, and
// returns: nil if the near side closed the connection, and an error if it
// broke, or if fragments did not end. It closes conn.
func (a *Agent) Serve(ctx context.Context, conn io.ReadWriteCloser) error {
	if err := writeHello(conn, selfInfo()); err != nil {
		conn.Close()
		return fmt.Errorf("hello: %w", err)
	}
	session, err := mux.Server(conn, &mux.Config{KeepAlive: -1})
	if err != nil {
		conn.Close()
		return err
	}
	s := &server{agent: a, conn: newConnection(session, nil), runner: a.Runner, ended: make(chan struct{}), settled: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { session.Close() })
	defer stop()
	if a.stray != nil {
		go s.takeHome(a.stray) // ends with the process, or with the connection
	}
	return s.serve()
}
