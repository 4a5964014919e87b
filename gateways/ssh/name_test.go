package ssh_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
)

// TestNamesForShells: no name gets into a command of the configuration of which a
// shell would make more than a name.
func TestNamesForShells(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	text := "Match exec \"echo %n >" + dir + "/ran\"\nPort 9\nMatch originalhost jumped\nProxyJump %r@%n\nMatch all\nProxyCommand echo %h %r >" + dir + "/ran\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ target, want string }{
		{`$(id)`, `the name of the host "$(id)" has a "$" in it`},
		{"a;id", `the name of the host "a;id" has a ";" in it`},
		{`a b`, `the name of the host "a b" has a " " in it`},
		{`-oProxyCommand=id`, `the name of the host "-oProxyCommand=id" begins with a "-"`},
		{"a`id`@b", "the name of the user \"a`id`\" has a \"`\" in it"},
		{`-l@b`, `the name of the user "-l" begins with a "-"`},
		{`a -l@b`, `the name of the user "a -l" has a " -" in it`},
		{`a\@b`, `the name of the user "a\\" has a "\\" at its end`},
	} {
		spec := &luagw.Spec{Kind: "ssh", Target: test.target, Params: map[string]string{"ssh_config": config}}
		if user, host, ok := strings.Cut(test.target, "@"); ok {
			spec.Target, spec.Params["user"] = host, user
		}
		_, err := (&ssh.Dialer{Home: dir}).Connect(inTime(t), spec)
		if open, ok := errors.AsType[*luagw.OpenError](err); !ok || open.Stage != luagw.StageResolve || open.Err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", test.target, err, test.want)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "ran")); err == nil {
		t.Errorf("something was run: %s", text)
	}
}
