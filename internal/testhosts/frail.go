//go:build unix

package testhosts

import (
	"context"
	"net"
	"testing"
	"time"
)

// frailTime is how long a test waits for the host to be up.
const frailTime = 3 * time.Minute

// Frail is a host that one test at a time has to itself, to break it as it
// likes. It is as web1 to webN are.
type Frail struct {
	Host
	tb testing.TB
}

// Frail waits until no other test has the host. It gets back to what it was when
// the test ends.
func (h *Hosts) Frail(tb testing.TB) *Frail {
	tb.Helper()
	f := &Frail{Host: h.Alone(tb, "frail"), tb: tb}
	tb.Cleanup(f.mend)
	return f
}

// mend undoes whatever the test has done, and did not undo.
func (f *Frail) mend() {
	out, err := docker("inspect", "-f", "{{.State.Running}} {{.State.Paused}}", f.Container())
	if err != nil {
		f.tb.Error(err)
		return
	}
	switch out {
	case "true true":
		f.Unpause()
	case "false false":
		f.Start()
		return
	}
	f.Join()
}

// Pause makes the host stand still: its kernel still answers, and no process
// does.
func (f *Frail) Pause() { f.docker("pause", f.Container()) }

// Unpause lets it go on.
func (f *Frail) Unpause() { f.docker("unpause", f.Container()) }

// Part cuts the way between the host and this machine in silence: nothing that
// is sent arrives, in either direction, and nobody is told.
func (f *Frail) Part() {
	f.Inside(`nft 'table inet part {
		chain in { type filter hook prerouting priority 0; iifname != lo drop; }
		chain out { type filter hook postrouting priority 0; oifname != lo drop; }
	}'`)
}

// Join ends what Part has begun. It may be called when there is nothing to end.
func (f *Frail) Join() {
	f.Inside(`nft 'table inet part {}; delete table inet part'`)
}

// Stop is a power cut: all processes are gone, and nobody is told.
func (f *Frail) Stop() { f.docker("kill", f.Container()) }

// Start is for after Stop, and returns when the ssh server answers.
func (f *Frail) Start() {
	f.docker("start", f.Container())
	if !within(frailTime, f.answers) {
		f.tb.Errorf("no ssh server on %q within %v of its start", f.Name, frailTime)
	}
}

// Inside runs a script of sh as root in the container, without ssh, and returns
// what it writes.
func (f *Frail) Inside(script string) string {
	f.tb.Helper()
	return f.docker("exec", f.Container(), "sh", "-c", script)
}

func (f *Frail) docker(args ...string) string {
	f.tb.Helper()
	out, err := docker(args...)
	if err != nil {
		f.tb.Error(err)
	}
	return out
}

// answers reports whether an ssh server says at once what it is.
func (f *Frail) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(f.Addr, "22"))
	if err != nil {
		return false
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetReadDeadline(deadline)
	said := make([]byte, 4)
	n, _ := conn.Read(said)
	return string(said[:n]) == "SSH-"
}

// within polls until cond is true, and reports whether that was within d.
func within(d time.Duration, cond func() bool) bool {
	for end := time.Now().Add(d); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
