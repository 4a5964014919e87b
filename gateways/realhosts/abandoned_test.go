//go:build unix

package realhosts_test

import (
	"testing"
	"time"

	"github.com/luagw/luagw/internal/testhosts"
)

// farNoticing is the most that an agent takes to notice that a near side is gone
// which says something every second, and to end: three seconds to notice, and
// what it takes to end what it has started.
const farNoticing = 15 * time.Second

// TestAbandoned shows that an agent ends with all that it started when it does
// not hear of the near side any more.
func TestAbandoned(t *testing.T) {
	b := newBed(t)
	b.build("amd64")
	f := b.Frail(t)
	gw := b.must("frail", "//keepalive=1s")
	if _, err := gw.RemoteExec(b.ctx, `process.run({"sleep", "4711"})`); err != nil {
		t.Fatal(err)
	}
	if !waitFor(noticing, func() bool { return running(f) == "agent sleep" }) {
		t.Fatalf("%q run, want the agent and what it has started", running(f))
	}
	f.Part()
	if !waitFor(farNoticing, func() bool { return running(f) == "" }) {
		t.Errorf("%q still run %v after the near side was heard last", running(f), farNoticing)
	}
}

// running tells what there is of an agent and of a sleep that it has started.
func running(f *testhosts.Frail) string {
	return f.Inside(`for p in /proc/[0-9]*; do
		case $(readlink $p/exe) in
		*/luagw-agent-*) echo agent;;
		*/sleep) echo sleep;;
		esac
	done 2>/dev/null | sort | paste -sd" " -`)
}

func waitFor(d time.Duration, cond func() bool) bool {
	for end := time.Now().Add(d); !cond(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
