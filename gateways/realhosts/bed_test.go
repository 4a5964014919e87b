//go:build unix

// Package realhosts_test opens gateways to real hosts of all sorts, those of make
// hosts, and compares the sentences that users read where it cannot be.
package realhosts_test

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/internal/testhosts"
)

// testTime bounds all that one test waits for.
const testTime = time.Minute

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

var changing = regexp.MustCompile(`SHA256:[A-Za-z0-9+/]+|AAAA[A-Za-z0-9+/=]+|known_hosts:\d+`)

// sentence is what the user reads, without what is different in each place.
func (b *bed) sentence(err error) string {
	if err == nil {
		return ""
	}
	return b.text(err.Error())
}

func (b *bed) text(s string) string {
	s = strings.ReplaceAll(s, b.Dir(), "DIR")
	return changing.ReplaceAllStringFunc(s, func(s string) string {
		switch s[0] {
		case 'S':
			return "SHA256:..."
		case 'A':
			return "AAAA..."
		}
		return "known_hosts:N"
	})
}

// stage is that of an OpenError, and nothing for other errors.
func stage(err error) luagw.Stage {
	var open *luagw.OpenError
	if errors.As(err, &open) {
		return open.Stage
	}
	return ""
}
