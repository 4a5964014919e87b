package server

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestParseKeyLine(t *testing.T) {
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(newKey(t).PublicKey())))
	for _, tt := range []struct {
		name, line string
		wantErr    string
	}{
		{"bare", key, ""},
		{"comment", key + " alice@laptop", ""},
		{"spaces around", "  " + key + "\t", ""},
		{"all options", `from="10.0.0.0/8,!10.0.0.1,2001:db8::/32,192.168.*",expiry-time="20400101",luagw-user="deploy",luagw-allow="fs:read=/etc,net=none" ` + key, ""},
		{"authority", `cert-authority,principals="web,db" ` + key, ""},
		{"what narrows for sshd", "restrict,no-pty,no-X11-forwarding " + key, ""},
		{"letters of another case", `FROM="10.0.0.1" ` + key, ""},
		{"unknown option", `tunnel="0" ` + key, "option tunnel: it is not known here"},
		{"command, which would not be run", `command="backup" ` + key, "option command: it is not known here"},
		{"verify-required, which nobody would check", "verify-required " + key, "option verify-required"},
		{"environment", `environment="A=b" ` + key, "option environment"},
		{"misspelt", `form="10.0.0.1" ` + key, "option form: it is not known here"},
		{"twice", `from="10.0.0.1",from="10.0.0.2" ` + key, "option from stands twice"},
		{"name of a host", `from="*.example.net" ` + key, "names of hosts are not looked up"},
		{"network with a host", `from="10.0.0.1/8" ` + key, "it should be 10.0.0.0/8"},
		{"empty from", `from="" ` + key, "its value is empty"},
		{"no quotes", "from=10.0.0.1 " + key, "must stand in quotes"},
		{"no time", `expiry-time="tomorrow" ` + key, "is no time"},
		{"no such day", `expiry-time="20260231" ` + key, "is no time"},
		{"rule", `luagw-allow="fs:red=/etc" ` + key, "it is not known; there are"},
		{"principals alone", `principals="web" ` + key, "stands without cert-authority"},
		{"value where there is none", `restrict="yes" ` + key, "takes no value"},
		{"no key", "hello", "no public key"},
		{"half a key", key[:40], "no public key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			entry, err := parseKeyLine(tt.line)
			switch {
			case tt.wantErr == "" && (err != nil || entry == nil):
				t.Errorf("got %v, %v; want an entry", entry, err)
			case tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)):
				t.Errorf("got %v, want %q", err, tt.wantErr)
			}
		})
	}
	for _, line := range []string{"", "   ", "# " + key} {
		if entry, err := parseKeyLine(line); entry != nil || err != nil {
			t.Errorf("%q: got %v, %v; want nothing", line, entry, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, tt := range []struct {
		list, addr string
		want       bool
	}{
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.2", false},
		{"10.0.0.1", "::ffff:10.0.0.1", true},
		{"10.0.0.0/8,!10.0.0.1", "10.0.0.1", false},
		{"!10.0.0.1,10.0.0.0/8", "10.0.0.1", false},
		{"10.0.0.0/8,!10.0.0.1", "10.9.9.9", true},
		{"!10.0.0.1", "10.0.0.2", false},
		{"192.168.*", "192.168.7.8", true},
		{"192.168.1.?", "192.168.1.10", false},
		{"2001:db8::/32", "2001:db8::5", true},
		{"fe80::/10", "fe80::1%eth0", true},
		{"2001:DB8:*", "2001:db8::5", true},
		{"*", "2001:db8::5", true},
		{"*,!::ffff:10.0.0.0/104", "10.0.0.1", false},
		{"::ffff:10.0.0.0/104", "::ffff:10.9.9.9", true},
	} {
		as, err := parseAddresses(tt.list)
		if err != nil {
			t.Errorf("%s: %v", tt.list, err)
			continue
		}
		if got := as.match(netip.MustParseAddr(tt.addr)); got != tt.want {
			t.Errorf("%s of %s: got %v, want %v", tt.list, tt.addr, got, tt.want)
		}
	}
	if as, _ := parseAddresses("*,0.0.0.0/0"); as.match(netip.Addr{}) {
		t.Error("an address that is not known matches")
	}
}

// TestOptionsDecide logs in with keys whose lines let them in or not.
func TestOptionsDecide(t *testing.T) {
	b := newBed(t, nil)
	user := `luagw-user="` + self(t) + `"`
	for _, tt := range []struct {
		name, options, login string
		want                 string // in the audit; empty for a login
	}{
		{"plain", user, "", ""},
		{"login by the same name", user, self(t), ""},
		{"login by another name", user, "somebody", "the login is for user"},
		{"from here", user + `,from="127.0.0.0/8"`, "", ""},
		{"from elsewhere", user + `,from="10.0.0.0/8"`, "", "may not be used from 127.0.0.1"},
		{"expires later", user + `,expiry-time="20990101"`, "", ""},
		{"expired", user + `,expiry-time="20200101Z"`, "", "the key expired at 2020-01-01"},
		{"unknown option", user + `,command="x"`, "", "no line has the key"},
		{"authority", user + ",cert-authority", "", "no line has the key"},
		{"no such user", `luagw-user="nosuchuser"`, "", "user"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := newKey(t)
			b.authorize(t, "# a comment\n\n", keyLine(tt.options, key.PublicKey()))
			client, err := b.login(tt.login, key)
			if err == nil {
				client.Close()
			}
			if (err == nil) != (tt.want == "") {
				t.Fatalf("login: got %v", err)
			}
			eventually(t, "the reason", func() bool { return strings.Contains(b.audit(t), tt.want) })
		})
	}
}

func TestRefusedLinesAreToldOnce(t *testing.T) {
	b := newBed(t, nil)
	b.authorize(t, "\n", keyLine("frm=\"x\"", newKey(t).PublicKey()), keyLine(`luagw-user="`+self(t)+`"`, b.key.PublicKey()))
	b.works(t)
	b.works(t)
	want := fmt.Sprintf("%s:2: refused: option frm: it is not known here\n", b.AuthorizedKeys)
	if got := b.said.String(); strings.Count(got, want) != 1 {
		t.Errorf("got %q, want %q once", got, want)
	}
}

func TestRootIsNoAccident(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only a server that is root has a choice")
	}
	b := newBed(t, nil)
	b.authorize(t, keyLine("", b.key.PublicKey()))
	if client, err := b.login("root", b.key); err == nil {
		client.Close()
		t.Fatal("a line without luagw-user made an agent that is root")
	}
	eventually(t, "the reason", func() bool {
		return strings.Contains(b.audit(t), "this server runs as root, and the line has no luagw-user=")
	})
}

func TestTrust(t *testing.T) {
	for _, tt := range []struct {
		name   string
		spoil  func(t *testing.T, path string)
		want   string
		asRoot bool
	}{
		{"fine", func(*testing.T, string) {}, "", false},
		{"others may write", func(t *testing.T, path string) { chmod(t, path, 0o622) }, "has mode 0622", false},
		{"group may write the folder", func(t *testing.T, path string) { chmod(t, filepath.Dir(path), 0o770) }, "has mode 0770", false},
		{"group may write a folder above", func(t *testing.T, path string) { chmod(t, filepath.Dir(filepath.Dir(path)), 0o770) }, "has mode 0770", false},
		{"sticky", func(t *testing.T, path string) { chmod(t, filepath.Dir(path), 0o777|os.ModeSticky) }, "", false},
		{"another user's", func(t *testing.T, path string) { chown(t, path) }, "belongs to user 65534", true},
		{"folder of another user", func(t *testing.T, path string) { chown(t, filepath.Dir(path)) }, "belongs to user 65534", true},
		{"a folder", func(t *testing.T, path string) { os.Remove(path); os.Mkdir(path, 0o700) }, "no regular file", false},
		{"too large", func(t *testing.T, path string) { os.Truncate(path, 101) }, "more than 100 bytes", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.asRoot && os.Geteuid() != 0 {
				t.Skip("needs root: only root can give files away")
			}
			path := filepath.Join(t.TempDir(), "a", "b", "file")
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			tt.spoil(t, path)
			_, err := readTrusted(path, 100, sharedMode)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func chown(t *testing.T, path string) {
	t.Helper()
	if err := os.Chown(path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
}

func TestWeakKeysAreRefused(t *testing.T) {
	for _, bits := range []int{1024, 2048} {
		private, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		public, err := ssh.NewPublicKey(&private.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkKey(public); (err == nil) != (bits >= minRSABits) {
			t.Errorf("RSA of %d bits: got %v", bits, err)
		}
	}
}

func TestExpiry(t *testing.T) {
	got, err := parseExpiry("20260102030405Z")
	if want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC); err != nil || !got.Equal(want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}
