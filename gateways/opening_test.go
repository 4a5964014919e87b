package gateways

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

// TestOpeningFails has what the user reads of a host that opens no session or runs
// nothing, to which fragments are on their way already.
func TestOpeningFails(t *testing.T) {
	for _, tt := range []struct {
		fault sshtest.Fault
		spec  string
		time  time.Duration // of the context
		want  string
	}{
		{sshtest.CutSession, "timeout=20s", time.Minute, `does not open a session: it has closed the connection`},
		{sshtest.StallSession, "timeout=1s", time.Minute, `does not open a session: no answer for 1s`},
		{sshtest.RefuseSession, "timeout=20s", time.Minute, `does not open a session: open failed; it may allow no more of them (MaxSessions)`},
		{sshtest.RefuseCommand, "timeout=20s", time.Minute, `does not run the command: the server refuses: it cannot start a process, or is to run no commands`},
		{sshtest.StallSession, "timeout=20s", time.Second, `has not opened a session yet`},
	} {
		t.Run(string(tt.fault)+" "+tt.spec, func(t *testing.T) {
			t.Parallel()
			s := sshtest.Start(t, sshtest.Options{Fault: tt.fault})
			group := &luagw.Group{Dial: (&Dialer{}).Dial}
			defer group.Close()
			ctx, cancel := context.WithTimeout(t.Context(), tt.time)
			defer cancel()
			_, err := group.Open(ctx, s.Spec(tt.spec))
			open, ok := errors.AsType[*luagw.OpenError](err)
			if !ok || open.Stage != luagw.StageSpawn || open.ExitCode != -1 {
				t.Fatalf("got %v, want an OpenError of stage spawn", err)
			}
			host := s.Host + " port " + strconv.Itoa(s.Port) + " "
			got := strings.TrimPrefix(open.Error(), "open "+strconv.Quote(open.Spec)+": spawn: ")
			if ctx.Err() != nil {
				tt.want = "no hello from the agent in time: context deadline exceeded: " + host + tt.want
				host = ""
			}
			if got != host+tt.want {
				t.Errorf("got  %s\nwant %s", got, host+tt.want)
			}
		})
	}
}
