//go:build unix

package realhosts_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
)

// noticing is the most that it takes, with keepalive=1s, to notice that the other
// side is gone.
const noticing = 10 * time.Second

// TestLost has the sentences for hosts that go without a word while a fragment
// runs, and shows that a gateway can be opened anew when they are back.
func TestLost(t *testing.T) {
	b := newBed(t)
	b.build("amd64")
	f := b.Frail(t)
	silent := "(connection stalled: no answer from the peer|" +
		`nothing came from frail \(ADDR port 22\) for 3s, not even an answer to being asked)`
	for _, test := range []struct {
		name       string
		harm, mend func()
		want       string
	}{
		{"paused", f.Pause, f.Unpause, silent},
		{"parted", f.Part, f.Join, silent},
		{"rebooted", f.Stop, f.Start, "(the far side ended|" + `the connection to frail \(ADDR port 22\) is lost: the server has closed it|` + silent + ")"},
	} {
		t.Run(test.name, func(t *testing.T) {
			gw := b.must("frail", "//keepalive=1s")
			ch, err := gw.RemoteExec(b.ctx, "sleep(100)")
			if err != nil {
				t.Fatal(err)
			}
			test.harm()
			began := time.Now()
			_, err = ch.Receive(b.ctx)
			if took := time.Since(began); took > noticing {
				t.Errorf("it was noticed after %v, want %v at the most", took, noticing)
			}
			lost, ok := errors.AsType[*luagw.GatewayLostError](err)
			want := "^gateway gw0 lost: " + strings.ReplaceAll(test.want, "ADDR", regexp.QuoteMeta(f.Addr)) + "$"
			if !ok || !regexp.MustCompile(want).MatchString(err.Error()) {
				t.Errorf("got %v, want %q", err, want)
			}
			if _, err := gw.Call(b.ctx, "return 1"); !errors.Is(err, lost) {
				t.Errorf("call afterwards: got %v, want %v again", err, lost)
			}
			test.mend()
			b.must("frail").Close()
		})
	}
}

// TestOpenLost opens gateways to hosts that are gone.
func TestOpenLost(t *testing.T) {
	b := newBed(t)
	b.build("amd64")
	f := b.Frail(t)
	const silent = "no answer (for 2s|in time)" // the stage's time is over, or that for all of them
	for _, test := range []struct {
		name       string
		harm, mend func()
		stage      luagw.Stage
		want       string
	}{
		{"paused", f.Pause, f.Unpause, luagw.StageHostKey, `frail \(ADDR port 22\)( takes the connection and does not answer)?: ` + silent},
		{"parted", f.Part, f.Join, luagw.StageDial, `cannot connect to frail \(ADDR port 22\): ` + silent},
		{"off", f.Stop, f.Start, luagw.StageDial, `cannot connect to frail \(ADDR port 22\): (no route to host|` + silent + ")"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.harm()
			defer test.mend()
			_, err := b.open("frail", "//timeout=2s")
			want := ": " + string(test.stage) + ": " + strings.ReplaceAll(test.want, "ADDR", regexp.QuoteMeta(f.Addr)) + "$"
			if stage(err) != test.stage || !regexp.MustCompile(want).MatchString(err.Error()) {
				t.Errorf("got stage %q and %v, want stage %q and %q", stage(err), err, test.stage, want)
			}
		})
	}
}
