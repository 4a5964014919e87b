package luagw

import (
	"context"
	"runtime"

	"github.com/luagw/luagw/mux"
)

// Status is what an agent tells of its work.
type Status struct {
	Executing int    `luagw:"executing"` // fragments that run or wait for their turn
	Channels  int    `luagw:"channels"`  // open channels, the fragments' own included
	Unread    int    `luagw:"unread"`    // bytes that fragments have not received yet
	Memory    uint64 `luagw:"memory"`    // bytes of heap in use
	Routines  int    `luagw:"routines"`  // goroutines
}

func (s *server) status(stream *mux.Stream) {
	ch := newChannel(s.conn, stream, rolePlain)
	ch.complete(s.conn.ctx, []any{s.statusNow().value()}, nil)
	drain(stream)
}

func (s *server) statusNow() Status {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	st := Status{Executing: int(s.executing.Load()), Memory: memory.HeapInuse, Routines: runtime.NumGoroutine()}
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	for _, ch := range s.conn.channels {
		if !ch.gone {
			st.Channels++
		}
		st.Unread += ch.in.unread()
	}
	return st
}

// value is the status as its tags say, of which an agent knows nothing: see the
// tag luagw_agent.
func (st Status) value() map[string]any {
	return map[string]any{
		"executing": st.Executing, "channels": st.Channels, "unread": st.Unread,
		"memory": st.Memory, "routines": st.Routines,
	}
}

// Status asks the agent about its work. It is answered also while fragments
// are busy.
func (gw *Gateway) Status(ctx context.Context) (Status, error) {
	var st Status
	ch, err := gw.conn.open(ctx, roleCaller, kindStatus)
	if err != nil {
		return st, err
	}
	defer ch.Close()
	if err := ch.Wait(ctx); err != nil {
		return st, err
	}
	var list []Status
	if err := decodeInto(ch.results, ch, &list); err != nil || len(list) != 1 {
		return st, errMalformed
	}
	return list[0], nil
}
