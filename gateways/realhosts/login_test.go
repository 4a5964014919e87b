//go:build unix

package realhosts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw"
)

// TestLogin logs in to hosts of all sorts with the native client.
func TestLogin(t *testing.T) {
	for _, test := range []struct {
		host   string
		secret string // the answer to all questions
		user   string // who has logged in
	}{
		{"web1", "", "root"},
		{"ann", "", "ann"},
		{"dash", "", "dash"},
		{"csh", "", "csh"},
		{"fish", "", "fish"},
		{"zsh", "", "zsh"},
		{"password", "secret", "password"},
		{"keyboard", "secret", "keyboard"},
		{"encrypted", "secret", "encrypted"},
		{"certificate", "", "certificate"},
		{"dropbear", "", "root"},
		{"busybox", "", "root"},
		{"limited", "", "root"},
		{"bastion", "", "root"},
		{"inner", "", "root"},
		{"innermost", "", "root"},
		{"v6", "", "root"},
		{"ecdsa", "", "root"},
		{"hashed", "", "root"},
		{"certified", "", "root"},
	} {
		t.Run(test.host, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			got, err := b.run(b.dialer(test.secret), b.spec(test.host), "id -un")
			if err != nil || got != test.user+"\n" {
				t.Errorf("id -un: got %q and %v, want %q", got, err, test.user)
			}
		})
	}
}

// TestPinned pins a key which is not the one that a server shows first.
func TestPinned(t *testing.T) {
	for host, none := range map[string]string{
		"web1":      "shows the ED25519 key SHA256:... and the ECDSA key SHA256:..., but hostkey= wants SHA256:...: the host was",
		"innermost": "shows the ED25519 key SHA256:... and the ECDSA key SHA256:..., but hostkey= wants SHA256:...: the host was",
		// Dropbear says that it has an RSA key, and falls over when it is to show one.
		"dropbear": "has closed the connection; before, it has shown the ED25519 key SHA256:... and the ECDSA key SHA256:..., but hostkey= wants SHA256:...",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			machine := b.Host(t, host).Machine
			for _, test := range []struct{ kind, of, want string }{
				{"ed25519", machine, "root\n"},
				{"ecdsa", machine, "root\n"},
				{"ecdsa", "web2", ""},
			} {
				keys := "//hostkey='" + b.fingerprint(test.of, test.kind) + "'"
				got, err := b.run(b.dialer(""), b.spec(host, keys), "id -un")
				if got != test.want || (err == nil) != (test.want != "") {
					t.Errorf("%s of %s: got %q and %v, want %q", test.kind, test.of, got, err, test.want)
				}
				if err != nil && !strings.Contains(b.sentence(err), " port 22) "+none) {
					t.Errorf("%s of %s: got %q, want %s in it", test.kind, test.of, b.sentence(err), none)
				}
			}
		})
	}
}

// fingerprint is that of a machine's host key.
func (b *bed) fingerprint(machine, kind string) string {
	b.tb.Helper()
	text, err := os.ReadFile(filepath.Join(b.Dir(), "machines", machine, "ssh_host_"+kind+"_key.pub"))
	if err != nil {
		b.tb.Fatal(err)
	}
	key, _, _, _, err := gossh.ParseAuthorizedKey(text)
	if err != nil {
		b.tb.Fatal(err)
	}
	return gossh.FingerprintSHA256(key)
}

// TestNoLogin has the sentence for each reason why nobody can log in, and the
// stage.
func TestNoLogin(t *testing.T) {
	for _, test := range []struct {
		name, host, secret string
		keys               string // of the spec
		stage              luagw.Stage
		want               string
	}{{
		name: "no key accepted", host: "nokey", stage: luagw.StageAuth,
		want: `nokey (ADDR port 22) does not let "nokey" in; tried DIR/id_ed25519 (ED25519 SHA256:...); password was not tried: there is no terminal to ask at; it accepts publickey, password`,
	}, {
		name: "passphrase and nobody to ask", host: "encrypted", stage: luagw.StageAuth,
		want: `encrypted (ADDR port 22) does not let "encrypted" in; tried DIR/id_encrypted: it needs its passphrase, and there is no terminal to ask at, DIR/id_ed25519 (ED25519 SHA256:...); password was not tried: there is no terminal to ask at; it accepts publickey, password`,
	}, {
		name: "password and nobody to ask", host: "password", stage: luagw.StageAuth,
		want: `password (ADDR port 22) does not let "password" in; password was not tried: there is no terminal to ask at; it accepts password`,
	}, {
		name: "password is wrong", host: "password", secret: "wrong", stage: luagw.StageAuth,
		want: `password (ADDR port 22) does not let "password" in; tried password 3 times; it accepts password`,
	}, {
		name: "keyboard and nobody to ask", host: "keyboard", stage: luagw.StageAuth,
		want: `keyboard (ADDR port 22) does not let "keyboard" in; keyboard-interactive was not tried: there is no terminal to ask at; it accepts keyboard-interactive`,
	}, {
		name: "host key unknown", host: "unknown", stage: luagw.StageHostKey,
		want: `unknown (ADDR port 22) shows the ED25519 key SHA256:..., which is not known; if it is the right one, add this line to DIR/known_hosts, or use hostkey=accept-new once: unknown ssh-ed25519 AAAA...`,
	}, {
		name: "host key changed", host: "changed", stage: luagw.StageHostKey,
		want: `changed (ADDR port 22) shows the ED25519 key SHA256:..., but DIR/known_hosts:N has the ED25519 key SHA256:...: the host was set up anew, or somebody is in between`,
	}, {
		name: "host key revoked", host: "revoked", stage: luagw.StageHostKey,
		want: `revoked (ADDR port 22) shows the ED25519 key SHA256:..., which DIR/known_hosts:N says is revoked`,
	}, {
		name: "port closed", host: "closed", stage: luagw.StageDial,
		want: `cannot connect to closed (ADDR port 1): connection refused`,
	}, {
		name: "filtered", host: "filtered", keys: "//timeout=2s", stage: luagw.StageDial,
		want: `cannot connect to filtered (ADDR port 22): no answer for 2s`,
	}, {
		name: "nobody has the address", host: "gone", stage: luagw.StageDial,
		want: `cannot connect to gone (ADDR port 22): no route to host`,
	}, {
		name: "name does not resolve", host: "unresolvable", stage: luagw.StageResolve,
		want: `the name "unresolvable.invalid" of unresolvable does not resolve: no such host`,
	}, {
		name: "jump host is gone", host: "behindgone", stage: luagw.StageDial,
		want: `jump host gone: cannot connect to gone (GONE port 22): no route to host`,
	}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			spec := b.spec(test.host, test.keys)
			_, err := b.run(b.dialer(test.secret), spec, "id -un")
			want := "open \"" + b.text(spec.String()) + "\": " + string(test.stage) + ": " + test.want
			want = strings.ReplaceAll(want, "ADDR", b.Host(t, test.host).Addr)
			want = strings.ReplaceAll(want, "GONE", b.Host(t, "gone").Addr)
			if stage(err) != test.stage || b.sentence(err) != want {
				t.Errorf("got stage %q and\n%s\nwant stage %q and\n%s", stage(err), b.sentence(err), test.stage, want)
			}
		})
	}
}

// TestProgram logs in with the system's client, to hosts which need something of
// the configuration.
func TestProgram(t *testing.T) {
	for host, want := range map[string]string{"web1": "root", "certificate": "certificate", "innermost": "root", "certified": "root"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			got, err := b.run(b.dialer(""), b.spec(host, "//ssh_program=ssh"), "id -un")
			if err != nil || got != want+"\n" {
				t.Errorf("id -un: got %q and %v, want %q", got, err, want)
			}
		})
	}
}
