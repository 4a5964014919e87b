//go:build unix

// Package realhosts_test opens gateways to real hosts of all sorts, those of make
// hosts, and compares the sentences that users read where it cannot be.
package realhosts_test

import (
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/gateways/agents"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/internal/testhosts"
)

// testTime bounds all that one test waits for.
const testTime = 3 * time.Minute

// bed is where a test opens gateways.
type bed struct {
	*testhosts.Hosts
	tb  testing.TB
	ctx context.Context
}

// newBed skips the test where no test hosts run.
func newBed(tb testing.TB) *bed {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), testTime)
	tb.Cleanup(cancel)
	return &bed{Hosts: testhosts.Running(tb), tb: tb, ctx: ctx}
}

// spec is that of a test host, with more keys as "//port=22".
func (b *bed) spec(host string, keys ...string) *luagw.Spec {
	b.tb.Helper()
	b.Host(b.tb, host)
	spec, err := luagw.ParseSpec("ssh:" + host + "//ssh_config=" + b.Config() + strings.Join(keys, ""))
	if err != nil {
		b.tb.Fatal(err)
	}
	return spec
}

// dialer answers all questions for a secret with it. An empty one is none:
// there is nobody to ask.
func (b *bed) dialer(secret string) *ssh.Dialer {
	d := &ssh.Dialer{Home: b.tb.TempDir(), Notice: func(text string) { b.tb.Error("notice:", text) }}
	if secret != "" {
		d.Ask = func(context.Context, ssh.Question) (string, error) { return secret, nil }
	}
	return d
}

// run runs a command on a host and returns what it writes.
func (b *bed) run(d *ssh.Dialer, spec *luagw.Spec, command string) (string, error) {
	client, err := d.Connect(b.ctx, spec)
	if err != nil {
		return "", err
	}
	defer client.Close()
	conn, err := client.Run(b.ctx, command, ssh.RunOptions{})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(b.ctx, func() { conn.Close() })()
	out, err := io.ReadAll(io.LimitReader(conn, 1<<20))
	return string(out), err
}

// changing is what differs each time, and what stands for it.
var changing = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`SHA256:[A-Za-z0-9+/]+`), "SHA256:..."},
	{regexp.MustCompile(`AAAA[A-Za-z0-9+/=]+`), "AAAA..."},
	{regexp.MustCompile(`known_hosts:\d+`), "known_hosts:N"},
	{regexp.MustCompile(`/tmp\.[0-9a-f]+`), "/tmp.N"},
	{regexp.MustCompile(`dd: warning: partial read \(\d+ bytes\); suggest iflag=fullblock `), ""},
}

// sentence is what the user reads, without what is different in each place.
func (b *bed) sentence(err error) string {
	if err == nil {
		return ""
	}
	return b.text(err.Error())
}

func (b *bed) text(s string) string {
	s = strings.ReplaceAll(s, b.Dir(), "DIR")
	for _, c := range changing {
		s = c.pattern.ReplaceAllString(s, c.by)
	}
	return s
}

// stage is that of an OpenError, and nothing for other errors.
func stage(err error) luagw.Stage {
	var open *luagw.OpenError
	if errors.As(err, &open) {
		return open.Stage
	}
	return ""
}

// source gives luagw's plain agent, for all platforms.
var source = &agents.Toolchain{}

// build has the agent for a processor built, so that no gateway waits for it.
func (b *bed) build(arch string) {
	b.tb.Helper()
	all, err := source.Agents()
	if err != nil {
		b.tb.Skipf("no agent can be built: %v", err)
	}
	for _, agent := range all {
		if agent.OS == "linux" && agent.Arch == arch {
			if _, err := agent.Load(b.tb.Context()); err != nil {
				b.tb.Fatal(err)
			}
			return
		}
	}
	b.tb.Fatalf("there is no agent for linux/%s", arch)
}

// counting has d count what is sent over the network to the first host on the way.
func counting(d *ssh.Dialer) (*ssh.Dialer, *atomic.Int64) {
	sent := new(atomic.Int64)
	var dialer net.Dialer
	d.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &counter{Conn: conn, sent: sent}, nil
	}
	return d, sent
}

// counter counts what is written.
type counter struct {
	net.Conn
	sent *atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// group is closed at the end of the test. It counts what is sent.
func (b *bed) group() (*luagw.Group, *atomic.Int64) {
	d, sent := counting(b.dialer(""))
	dialer := &gateways.Dialer{SSH: d, Agents: source}
	group := &luagw.Group{Dial: dialer.Dial}
	b.tb.Cleanup(func() { group.Close() })
	return group, sent
}

// open opens a gateway in a group of its own.
func (b *bed) open(host string, keys ...string) (*luagw.Gateway, error) {
	b.tb.Helper()
	group, _ := b.group()
	return group.OpenSpec(b.ctx, b.spec(host, keys...))
}

// must opens a gateway that is to open.
func (b *bed) must(host string, keys ...string) *luagw.Gateway {
	b.tb.Helper()
	gw, err := b.open(host, keys...)
	if err != nil {
		b.tb.Fatal(err)
	}
	return gw
}
