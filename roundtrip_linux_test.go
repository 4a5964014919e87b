package luagw_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/gateways/agents"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
	"github.com/luagw/luagw/internal/testlink"
)

const (
	// longTrip is there and back, so long that it can be counted how many
	// there are.
	longTrip = 250 * time.Millisecond

	// tripTries is how often it is measured whether there are few enough: a
	// machine at work adds to what is measured, and nothing takes from it.
	tripTries = 8
)

// farHost is an ssh server at the other end of a long link.
type farHost struct {
	*testing.T
	site   *sshtest.Site
	cache  string // where agents are kept there
	agents agents.Source
}

// newFarHost makes the link. start starts a server which has agents kept in
// the directory cache.
func newFarHost(t *testing.T, start func(link *testlink.Link, cache string) *sshtest.Site) *farHost {
	link, err := testlink.New(testlink.Options{Delay: longTrip / 2, Eager: true, MTU: 1500})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.Close() })
	f := &farHost{T: t, cache: filepath.Join(t.TempDir(), "cache"), agents: builtAgents(t)}
	if err := os.Mkdir(f.cache, 0o700); err != nil {
		t.Fatal(err)
	}
	f.site = start(link, f.cache)
	return f
}

// builtAgents has the agent for this platform built, so that nobody waits for it.
func builtAgents(t *testing.T) agents.Source {
	source := &agents.Toolchain{}
	all, err := source.Agents()
	if err != nil {
		t.Skipf("no agent can be built: %v", err)
	}
	for _, agent := range all {
		if agent.OS == runtime.GOOS && agent.Arch == runtime.GOARCH {
			if _, err := agent.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			return source
		}
	}
	t.Skipf("there is no agent for %s/%s", runtime.GOOS, runtime.GOARCH)
	return nil
}

func (f *farHost) spec() *luagw.Spec {
	f.Helper()
	spec, err := luagw.ParseSpec(f.site.Spec())
	if err != nil {
		f.Fatal(err)
	}
	return spec
}

// login is how long it takes to log in.
func (f *farHost) login() time.Duration {
	f.Helper()
	began := time.Now()
	client, err := (&ssh.Dialer{}).Connect(f.Context(), f.spec())
	took := time.Since(began)
	if err != nil {
		f.Fatal(err)
	}
	client.Close()
	return took
}

// firstItem is how long it takes until the first item of a fragment is here, all
// in all.
func (f *farHost) firstItem() time.Duration {
	f.Helper()
	ctx := f.Context()
	dialer := &gateways.Dialer{Agents: f.agents}
	group := &luagw.Group{Dial: dialer.Dial}
	defer group.Close()
	began := time.Now()
	gw, err := group.Start(ctx, f.spec())
	if err != nil {
		f.Fatal(err)
	}
	ch, err := gw.RemoteExec(ctx, "channel:send(6 * 7)")
	if err != nil {
		f.Fatal(err)
	}
	item, err := ch.Receive(ctx)
	took := time.Since(began)
	if err != nil || item != int64(42) {
		f.Fatalf("got %v, %v; want 42", item, err)
	}
	return took
}

// forget removes the agents.
func (f *farHost) forget() {
	f.Helper()
	if err := os.RemoveAll(filepath.Join(f.cache, "luagw")); err != nil {
		f.Fatal(err)
	}
}

// least is the least of some measurements: as many as it takes to be small enough.
func least(enough time.Duration, measure func() time.Duration) time.Duration {
	best := measure()
	for try := 1; try < tripTries && best > enough; try++ {
		best = min(best, measure())
	}
	return best
}

// trips is a time in round trips.
func trips(d time.Duration) float64 { return float64(d) / float64(longTrip) }

// TestRoundTrips counts how often one waits for the far side, from the login to
// the first item. What is left of the last is for the work. In the first the session is
// opened; in the second, warm, the agent is started, and answers the fragment
// that was sent ahead of its hello; cold it is sent in between.
//
// OpenSSH's sshd takes input of a command only when that runs, which is one more,
// warm, where it takes no variable with what was sent ahead.
func TestRoundTrips(t *testing.T) {
	if testing.Short() {
		t.Skip("short: waits for a long link")
	}
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		newFarHost(t, func(link *testlink.Link, cache string) *sshtest.Site {
			listener, err := link.Listen("0")
			if err != nil {
				t.Fatal(err)
			}
			return sshtest.Start(t, sshtest.Options{Listener: listener, Env: []string{"XDG_CACHE_HOME=" + cache}}).Site
		}).countTrips(3, 2)
	})
	t.Run("sshd", func(t *testing.T) {
		t.Parallel()
		newFarHost(t, func(link *testlink.Link, cache string) *sshtest.Site {
			return startFarSshd(t, link, cache, "AcceptEnv LANG LC_*")
		}).countTrips(3, 2)
	})
	t.Run("sshd without variables", func(t *testing.T) {
		t.Parallel()
		newFarHost(t, func(link *testlink.Link, cache string) *sshtest.Site {
			return startFarSshd(t, link, cache)
		}).countTrips(3, 2+1)
	})
}

// startFarSshd starts sshd at the far end of a link. The home directory is an empty
// one: startup files of a shell would be counted, too.
func startFarSshd(t *testing.T, link *testlink.Link, cache string, lines ...string) *sshtest.Site {
	place := sshtest.Place{Addr: link.Far.String(), Command: link.Command}
	return sshtest.StartSshdAt(t, place, append(lines, "SetEnv HOME="+cache+" XDG_CACHE_HOME="+cache)...).Site
}

// countTrips compares the round trips after the login with the most that there
// may be: for the first gateway to a host, and for later ones.
func (f *farHost) countTrips(cold, warm float64) {
	f.Helper()
	login := min(f.login(), f.login())
	f.Logf("login: %v, %.2f round trips", login, trips(login))
	for _, way := range []struct {
		name   string
		before func()
		most   float64
	}{
		{"cold", f.forget, cold},
		{"warm", func() {}, warm},
	} {
		if raceEnabled && way.name == "cold" {
			f.Log("cold: not counted, for with the look for races it is this process that takes its time to send an agent")
			f.firstItem()
			continue
		}
		work := time.Duration((way.most + 0.9) * float64(longTrip))
		after := least(login+work, func() time.Duration {
			way.before()
			return f.firstItem()
		}) - login
		f.Logf("%s: first item %v after the login, %.2f round trips", way.name, after, trips(after))
		if after > work {
			f.Errorf("%s: %.2f round trips from the login to the first item, want %v and the work",
				way.name, trips(after), way.most)
		}
	}
}
