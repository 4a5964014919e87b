//go:build unix

package realhosts_test

import (
	"path"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/luagw/luagw"
)

// bare removes all agents that are kept on a host.
const bare = "rm -rf ~/.cache/luagw /var/tmp/luagw-* /dev/shm/luagw-* /tmp/luagw-*"

// left lists what is left in the places for agents, other than whole agents.
const left = "find ~/.cache/luagw /var/tmp/luagw-* /dev/shm/luagw-* /tmp/luagw-* -type f ! -name \"luagw-agent-*\" 2>/dev/null; true"

// TestGateway opens gateways to hosts of all sorts: at first no agent is there,
// and then it is.
func TestGateway(t *testing.T) {
	for _, test := range []struct {
		host, keys string
		arch, user string
		place      string // of the agent
	}{
		{"web2", "", "amd64", "root", "/root/.cache/luagw"},
		{"ann", "", "amd64", "ann", "/home/ann/.cache/luagw"},
		{"dash", "", "amd64", "dash", "/home/dash/.cache/luagw"},
		{"csh", "", "amd64", "csh", "/home/csh/.cache/luagw"},
		{"fish", "", "amd64", "fish", "/home/fish/.cache/luagw"},
		{"zsh", "", "amd64", "zsh", "/home/zsh/.cache/luagw"},
		{"noisy", "", "amd64", "noisy", "/home/noisy/.cache/luagw"},
		{"unterminated", "", "amd64", "unterminated", "/home/unterminated/.cache/luagw"},
		{"readonly", "//dir=/", "amd64", "root", "/dev/shm/luagw-0"},
		{"noexec", "", "amd64", "root", "/var/tmp/luagw-0"},
		{"fullhome", "", "amd64", "fullhome", "/var/tmp/luagw-2001"},
		{"noexechome", "", "amd64", "noexechome", "/var/tmp/luagw-2002"},
		{"dropbear", "", "amd64", "root", "/root/.cache/luagw"},
		{"busybox", "", "amd64", "root", "/root/.cache/luagw"},
		{"limited", "", "amd64", "root", "/root/.cache/luagw"},
		{"arm64", "", "arm64", "arm64", "/home/arm64/.cache/luagw"},
		{"armhf", "", "arm", "armhf", "/home/armhf/.cache/luagw"},
		{"i386", "", "386", "i386", "/home/i386/.cache/luagw"},
		{"inner", "", "amd64", "root", "/root/.cache/luagw"},
		{"innermost", "", "amd64", "root", "/root/.cache/luagw"},
	} {
		t.Run(test.host, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.Alone(t, test.host)
			b.build(test.arch)
			b.shell(test.host, bare)
			cold, sent := b.where(test.host, test.keys)
			if want := [3]string{test.arch, test.user, test.place}; cold != want {
				t.Errorf("got architecture, user and place %q, want %q", cold, want)
			}
			if sent.Load() < 1<<20 {
				t.Errorf("%d bytes were sent to a host that has no agent", sent.Load())
			}
			warm, sent := b.where(test.host, test.keys)
			if warm != cold {
				t.Errorf("second gateway: got %q, want %q", warm, cold)
			}
			if sent.Load() > 64<<10 {
				t.Errorf("%d bytes were sent to a host that has the agent", sent.Load())
			}
			if out := b.shell(test.host, left); out != "" {
				t.Errorf("left behind: %q", out)
			}
		})
	}
}

// shell runs a script of sh, without single quotes in it, on a host by ssh, and
// returns what it writes, without what login scripts do.
func (b *bed) shell(host, script string) string {
	b.tb.Helper()
	out, err := b.run(b.dialer(""), b.spec(host), "exec sh -c 'echo; echo BEGIN; "+script+"'")
	_, out, ok := strings.Cut(out, "\nBEGIN\n")
	if err != nil || !ok {
		b.tb.Fatalf("script on %s: %v: %s", host, err, out)
	}
	return out
}

// where opens a gateway and tells what runs there, as whom, and where from; and
// how much was sent.
func (b *bed) where(host, keys string) ([3]string, *atomic.Int64) {
	b.tb.Helper()
	group, sent := b.group()
	defer group.Close()
	gw, err := group.OpenSpec(b.ctx, b.spec(host, keys))
	if err != nil {
		b.tb.Fatal(err)
	}
	results, err := gw.Call(b.ctx, `return fs.readlink("/proc/self/exe")`)
	if err != nil || len(results) != 1 {
		b.tb.Fatalf("fragment: got %v and %v, want one result", results, err)
	}
	agent, _ := results[0].(string)
	return [3]string{gw.Info().Arch, gw.Info().User, path.Dir(agent)}, sent
}

// TestNoGateway has the sentence for each host that one can log in to, but which
// cannot be a gateway.
func TestNoGateway(t *testing.T) {
	for _, test := range []struct {
		host, keys string
		stage      luagw.Stage
		want       string
	}{{
		host: "asks", keys: "//timeout=3s", stage: luagw.StageBootstrap,
		want: `no hello from the agent in time: nothing came for 3s: the far side has not run sh yet: Do you accept the terms? [y/N]`,
	}, {
		host: "exits", stage: luagw.StageBootstrap,
		want: `the far side ended before it ran sh: its login shell refuses, or an rc file of it exits (exit status 3): closed for maintenance until six`,
	}, {
		host: "nologin", stage: luagw.StageBootstrap,
		want: `the far side ended before it ran sh: its login shell refuses, or an rc file of it exits (exit status 1): This account is currently not available.`,
	}, {
		host: "nowhere", stage: luagw.StageBootstrap,
		want: `no place for the agent on the far side: ` +
			`/root/.cache/luagw: nothing may be run there: luagw: 1: /root/.cache/luagw/tmp.N: Permission denied; ` +
			`/var/tmp/luagw-0: nothing may be run there: luagw: 1: /var/tmp/luagw-0/tmp.N: Permission denied; ` +
			`/dev/shm/luagw-0: nothing may be run there: luagw: 1: /dev/shm/luagw-0/tmp.N: Permission denied; ` +
			`/tmp/luagw-0: nothing may be run there: luagw: 1: /tmp/luagw-0/tmp.N: Permission denied`,
	}, {
		host: "full", stage: luagw.StageBootstrap,
		want: `no place for the agent on the far side: ` +
			`/root/.cache/luagw: dd: error writing 'standard output': No space left on device; ` +
			`/var/tmp/luagw-0: dd: error writing 'standard output': No space left on device; ` +
			`/dev/shm/luagw-0: dd: error writing 'standard output': No space left on device; ` +
			`/tmp/luagw-0: dd: error writing 'standard output': No space left on device`,
	}} {
		t.Run(test.host, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.Alone(t, test.host)
			b.build("amd64")
			spec := b.spec(test.host, test.keys)
			_, err := b.open(test.host, test.keys)
			want := "open \"" + b.text(spec.String()) + "\": " + string(test.stage) + ": " + test.want
			got := b.sentence(err)
			if !strings.Contains(want, "exit status") { // a shell that has said why ends sooner or later
				got = strings.Replace(got, " (exit status 1)", "", 1)
			}
			if stage(err) != test.stage || got != want {
				t.Errorf("got stage %q and\n%s\nwant stage %q and\n%s", stage(err), got, test.stage, want)
			}
		})
	}
}

// TestNothingLeft looks at the hosts that got an agent, or most of one, in vain.
func TestNothingLeft(t *testing.T) {
	for _, host := range []string{"full", "nowhere"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.Alone(t, host)
			b.build("amd64")
			if _, err := b.open(host); err == nil {
				t.Error("a gateway was opened")
			}
			if out := b.shell(host, left); out != "" {
				t.Errorf("left behind: %q", out)
			}
		})
	}
}

// TestFlood bounds what is read from a host that never comes to an end.
func TestFlood(t *testing.T) {
	b := newBed(t)
	b.build("amd64")
	_, err := b.open("flood")
	const want = `hello: no hello from the agent in the first 64 KiB: ...`
	if got := b.sentence(err); stage(err) != luagw.StageHello || !strings.Contains(got, want) || len(got) > 4<<10 {
		t.Errorf("got %q, want %q and a few lines of what came", got, want)
	}
}
