//go:build unix

package realhosts_test

import (
	"context"
	"strings"
	"testing"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/gateways/become"
)

// openAs opens a gateway as another user. An empty password is one that nobody
// knows.
func (b *bed) openAs(password, host, keys string) (*luagw.Gateway, error) {
	b.tb.Helper()
	dialer := &gateways.Dialer{SSH: b.dialer(""), Agents: source}
	if password != "" {
		dialer.Become = become.Become{Password: func(context.Context, *luagw.Spec) (string, error) { return password, nil }}
	}
	group := &luagw.Group{Dial: dialer.Dial}
	b.tb.Cleanup(func() { group.Close() })
	return group.OpenSpec(b.ctx, b.spec(host, keys))
}

// TestBecome has other users run the agent, by all that makes others of one.
func TestBecome(t *testing.T) {
	for _, test := range []struct {
		name, host, keys, password string
		user                       string
	}{
		{"sudo", "sudo", "//become=root", "", "root"},
		{"sudo to one who is not root", "sudo", "//become=ann", "", "ann"},
		{"sudo with a password that is not needed", "sudo", "//become=root", "secret", "root"},
		{"sudo with a password", "sudo-password", "//become=root", "secret", "root"},
		{"sudo on a terminal", "sudo-tty", "//become=root", "", "root"},
		{"sudo with another prompt", "sudo-prompt", "//become=root", "secret", "root"},
		{"su", "su", "//become=root//become_method=su", "rootsecret", "root"},
		{"su from root", "web1", "//become=ann//become_method=su", "", "ann"},
		{"doas", "doas", "//become=root//become_method=doas", "", "root"},
		{"doas with a password", "doas-password", "//become=root//become_method=doas", "secret", "root"},
		{"behind jump hosts", "innermost", "//become=ann", "", "ann"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.build("amd64")
			gw, err := b.openAs(test.password, test.host, test.keys)
			if err != nil {
				t.Fatal(err)
			}
			got, err := gw.Call(b.ctx, "return host.user.name")
			if err != nil || len(got) != 1 || got[0] != test.user || gw.Info().User != test.user {
				t.Errorf("user: got %v, %v and %q in the hello, want %q", got, err, gw.Info().User, test.user)
			}
		})
	}
}

// TestNotBecome has the sentences of those who do not let one become another.
func TestNotBecome(t *testing.T) {
	for _, test := range []struct {
		name, host, keys, password string
		want                       string
	}{
		{"sudo, nobody knows the password", "sudo-password", "//become=root", "",
			"it asks for a password, and nobody knows one (exit status 1): sudo: a password is required"},
		{"sudo, wrong password", "sudo-password", "//become=root", "wrong",
			"the password is wrong (exit status 1): Sorry, try again.\n\nsudo: no password was provided\nsudo: 1 incorrect password attempt"},
		{"sudo, not allowed", "doas-password", "//become=root", "secret",
			"this user may not do so: the sudoers file does not name it (exit status 1): doas-password is not in the sudoers file."},
		{"su, wrong password", "su", "//become=root//become_method=su", "wrong",
			"the password is wrong, or one is needed (exit status 1): Password: su: Authentication failure"},
		{"su, nobody knows the password", "su", "//become=root//become_method=su", "",
			"it asks for a password, and nobody knows one (exit status 1): Password: su: Authentication failure"},
		{"doas, nobody knows the password", "doas-password", "//become=root//become_method=doas", "",
			"it asks for a password, and nobody knows one (exit status 1): doas: Authentication required"},
		{"doas, wrong password", "doas-password", "//become=root//become_method=doas", "wrong",
			"the password is wrong, or one is needed (exit status 1): doas (doas-password@logins) password: \ndoas: Authentication failed"},
		{"nobody has that name", "sudo", "//become=nobody-has-it", "",
			"there is no such user (exit status 1): sudo: unknown user nobody-has-it\nsudo: error initializing audit plugin sudoers_audit"},
		{"no sudo", "busybox", "//become=root", "",
			"sudo is not there (exit status 127): sh: exec: line 0: sudo: not found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.build("amd64")
			_, err := b.openAs(test.password, test.host, test.keys)
			_, got, _ := strings.Cut(b.sentence(err), `": auth: become `)
			_, got, _ = strings.Cut(got, ": ")
			if stage(err) != luagw.StageAuth || got != test.want {
				t.Errorf("got stage %q and\n%s\nwant stage auth and\n%s", stage(err), got, test.want)
			}
		})
	}
}
