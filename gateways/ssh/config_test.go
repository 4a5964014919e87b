package ssh_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw/gateways/ssh"
)

// configs are configurations, each with the hosts to ask for, and the keywords
// to look at.
var configs = []struct {
	name     string
	text     string
	hosts    string
	keywords string
}{
	{"first value counts", `
		Host web1
			HostName 10.0.0.1
			Port 2222
		Host web*
			Port 22
			User deploy
		Host *
			User nobody`, "web1 web2 db1", "hostname port user"},
	{"negated pattern", `
		Host * !web9
			User a
		Host web? !web1
			Port 23`, "web1 web2 web9", "user port"},
	{"quotes and equals signs", `
		Host "quoted one" quoted
			User="a"
			IdentityFile "/tmp/with space/id"
			Port = 2022 # and a comment
		host	tabs
			user	t`, "quoted tabs", "user identityfile port"},
	{"case", `
		hOST Web1
			uSER Someone
		Match host WEB2
			User two`, "web1 WEB1 Web1 web2 WEB2", "user"},
	{"identities add up", `
		Host a
			IdentityFile /tmp/1
		Host *
			IdentityFile /tmp/2
			CertificateFile /tmp/c`, "a b", "identityfile certificatefile"},
	{"include", `
		Include DIR/part*.conf
		Host *
			User last`, "inner other", "user port"},
	{"include in a host", `
		Host inner
			Include DIR/part1.conf
		Host *
			Port 99`, "inner other", "user port"},
	{"match", `
		Match host web*,db1 user root
			Port 1
		Match originalhost web1
			Port 2
		Match !host web2 all
			Port 3
		Match localuser nobodyatall
			Port 4`, "web1 web2 db1 x", "port"},
	{"match host is the HostName", `
		Host alias
			HostName real.example.com
		Match host *.example.com
			User real
		Match originalhost alias
			Port 7`, "alias", "hostname user port"},
	{"match user that was set", `
		Host a
			User deploy
		Match user deploy
			Port 44`, "a b", "port"},
	{"match exec", `
		Match exec "test %h = a"
			Port 5
		Match exec "exit 1"
			User never`, "a b", "port user"},
	{"match final", `
		Host short
			HostName short.example.com
		Match final host *.example.com
			User finally
		Match final all
			Port 8
		Host *.example.com
			IdentityFile /tmp/second`, "short", "user port hostname identityfile"},
	{"stock of Fedora", `
		Match final all
			Include DIR/fedora.conf
		Host *
			SendEnv LANG`, "x", "forwardx11trusted"},
	{"HostName with tokens", `
		Host *
			HostName %h.example.com`, "web1", "hostname"},
	{"proxies", `
		Host a
			ProxyJump one,two@three:4
			ProxyCommand nc %h %p "quoted   words"
		Host b
			ProxyCommand nc -X 5 %h %p # no comment
		Host c
			ProxyJump none
		Host d
			ProxyCommand none
		Host e
			ProxyJump None
		Host f
			ProxyCommand nc f
		Host *
			ProxyJump last`, "a b c d e f g", "proxyjump proxycommand"},
	{"ProxyJump none and a command", `
		Host a
			ProxyJump none
		Host *
			ProxyCommand nc %h %p`, "a b", "proxyjump proxycommand"},
	{"variables taken back", `
		SendEnv A B LC_*
		SendEnv -A -LC*
		SendEnv A2
		SetEnv X=1 Y=2
		SetEnv Z=3`, "x", "sendenv setenv"},
	{"a directory among the files", `
		Include DIR/include*
		Port 3`, "inner", "user port"},
	{"match exec with all tokens", `
		Match exec "test %n:%k:%h = a:alias:real && echo %l %L %i %d %u %r"
			User six
		Match exec "test %C = $(printf %%s%%s%%s%%s %l %h %p %r | sha1sum | cut -c 1-40)"
			IdentityFile /hashed
		Host *
			HostKeyAlias alias
			HostName real
		Match exec "test %n:%k:%h = a:alias:real && echo %l %L %i %d %u %r"
			Port 6`, "a b", "user port identityfile"},
	{"needs OpenSSH", `
		CanonicalizeHostname yes
		Host *
			Port 9
		Match canonical
			User local`, "x", "user port"},
}

// TestConfigAsOpenSSH: what a configuration says is what ssh -G says it does.
func TestConfigAsOpenSSH(t *testing.T) {
	path, err := exec.LookPath("ssh")
	if err != nil {
		t.Skipf("no OpenSSH client here to compare with: %v", err)
	}
	for _, test := range configs {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write := func(name, text string) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			write("part1.conf", "Host inner\nUser one\n")
			write("part2.conf", "User two\nHost *\nPort 77\n")
			write("fedora.conf", "ForwardX11Trusted yes\n")
			write("include.conf", "User included\n")
			if err := os.Mkdir(filepath.Join(dir, "include.d"), 0o700); err != nil {
				t.Fatal(err)
			}
			config := write("config", test.text)
			d := &ssh.Dialer{Home: dir, Notice: func(string) {}}
			for host := range strings.FieldsSeq(test.hosts) {
				out, err := exec.Command(path, "-G", "-F", config, host).Output()
				if err != nil {
					t.Fatal(err)
				}
				got, err := d.Resolved(inTime(t), parse(t, "ssh:"+host+"//ssh_config="+config))
				if err != nil {
					t.Fatal(err)
				}
				for keyword := range strings.FieldsSeq(test.keywords) {
					want := dumped(string(out), keyword)
					if (len(got[keyword]) == 0 || strings.EqualFold(got[keyword][0], "none")) && isDefault(keyword, want) {
						continue
					}
					if fmt.Sprint(got[keyword]) != fmt.Sprint(want) {
						t.Errorf("%s of %s: got %q, want %q", keyword, host, got[keyword], want)
					}
				}
			}
		})
	}
}

// dumped are the values of a keyword in what ssh -G prints.
func dumped(out, keyword string) (values []string) {
	for line := range strings.Lines(out) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), keyword+" "); ok {
			values = append(values, value)
		}
	}
	return values
}

// isDefault says whether ssh -G prints values because none are set.
func isDefault(keyword string, values []string) bool {
	defaults := map[string][]string{"port": {"22"}, "forwardx11trusted": {"no"}}
	if keyword == "identityfile" {
		return slices.Contains(values, "~/.ssh/id_rsa")
	}
	return len(values) == 0 || slices.Equal(values, defaults[keyword])
}

// TestMatchExecShell: a command is in the language of the user's shell.
func TestMatchExecShell(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"shell": "#!/bin/sh\nMARK=here exec /bin/sh \"$@\"\n", "config": "Match exec \"test $MARK = here\"\nPort 9\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SHELL", filepath.Join(dir, "shell"))
	got, err := (&ssh.Dialer{Home: dir}).Resolved(inTime(t), parse(t, "ssh:web1//ssh_config="+filepath.Join(dir, "config")))
	if err != nil || fmt.Sprint(got["port"]) != "[9]" {
		t.Errorf("got %v, %v, want port 9", got, err)
	}
}

// TestConfigNotices: what has no effect is told, once, with its place.
func TestConfigNotices(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	text := "ForwardAgent yes\nForwardX11 yes\nFrobnicate 1\nIgnoreUnknown Tw*\nTwiddle 2\nHost other\nWrong 3\nHost *\nGSSAPIAuthentication no\nConnectionAttempts 1\nConnectionAttempts 3\nHostNme x\nProxyUseFdpass yes\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var told []string
	d := &ssh.Dialer{Home: dir, Notice: func(text string) { told = append(told, strings.ReplaceAll(text, dir, "DIR")) }}
	for range 2 {
		if _, err := d.Resolved(inTime(t), parse(t, "ssh:web1//ssh_config="+config)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"DIR/config:1: ForwardAgent has no effect here; with ssh_program=ssh it has",
		`DIR/config:3: "Frobnicate" is not understood, and has no effect`,
		"DIR/config:11: ConnectionAttempts has no effect here; with ssh_program=ssh it has",
		`DIR/config:12: "HostNme" is not understood, and has no effect; did you mean "hostname"?`,
		"DIR/config:13: ProxyUseFdpass has no effect here; with ssh_program=ssh it has",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q\nwant %q", told, want)
	}
}

// TestConfigOfSystem: the system's file may set what most have no use for, also in
// files that it includes from elsewhere, as crypto-policies does.
func TestConfigOfSystem(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ssh_config": "Include " + dir + "/50-redhat.conf\nGSSAPIAuthentication yes\n", "50-redhat.conf": "Match final all\nInclude " + dir + "/openssh.config\n",
		"openssh.config": "CASignatureAlgorithms ecdsa-sha2-nistp256\nRequiredRSASize 2048\nFrobnicate 1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	told, err := ssh.SystemNotices(filepath.Join(dir, "ssh_config"))
	want := []string{filepath.Join(dir, "openssh.config") + `:3: "Frobnicate" is not understood, and has no effect`}
	if err != nil || !slices.Equal(told, want) {
		t.Errorf("told %q, %v, want %q", told, err, want)
	}
}

// TestTimes has them as sshd_config(5) tells.
func TestTimes(t *testing.T) {
	for _, test := range []struct {
		text string
		want time.Duration
	}{
		{"0", 0}, {"600", 600 * time.Second}, {"10m", 10 * time.Minute}, {"1h30m", 90 * time.Minute},
		{"1D", 24 * time.Hour}, {"1w2", 7*24*time.Hour + 2*time.Second},
	} {
		if got, err := ssh.ParseTime("keyword", test.text); err != nil || got != test.want {
			t.Errorf("%q: got %v, %v; want %v", test.text, got, err, test.want)
		}
	}
	for _, text := range []string{"x", "-1", "1.5h", "100ms", "5y", "m", "2000000000w2000000000w", "99999999999"} {
		if got, err := ssh.ParseTime("keyword", text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

// TestConfigErrors: what is wrong in a configuration is told with its place.
func TestConfigErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"Port", `DIR/config:1: "Port" has no value`},
		{"User \"a", `DIR/config:1: User: a " has no end`},
		{"\nPort x", `port "x" in the ssh configuration is no number`},
		{"Match host", `DIR/config:1: Match host has no value`},
		{"Match wrong a", `DIR/config:1: Match does not know "wrong"`},
		{"Ciphers none-such", `ciphers "none-such" in the ssh configuration has none that the native client can do; ssh_program=ssh may`},
		{"HostName %z", `"%z" in the ssh configuration: %z is not known here`},
		{"ProxyJump -oX", `ProxyJump "-oX" names no host`},
		{"Include DIR/config", `DIR/config: files include each other more than 16 deep`},
		{"pubkeyAuthentication maybe", `DIR/config:1: pubkeyAuthentication "maybe" is none of yes, no, true, false, unbound, host-bound`},
		{"Host other\nBatchMode on\nHost *\nStrictHostKeyChecking yess", `DIR/config:4: StrictHostKeyChecking "yess" is none of yes, no, true, false, off, ask, accept-new`},
		{"ConnectTimeout soon", `connecttimeout "soon" in the ssh configuration is no time`},
	} {
		dir := t.TempDir()
		config := filepath.Join(dir, "config")
		if err := os.WriteFile(config, []byte(strings.ReplaceAll(test.text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
		d := &ssh.Dialer{Home: dir}
		spec := parse(t, "ssh:127.0.0.1//port=1//ssh_config="+config)
		if strings.Contains(test.text, "Port x") {
			spec = parse(t, "ssh:127.0.0.1//ssh_config="+config)
		}
		_, err := d.Connect(inTime(t), spec)
		if err == nil {
			t.Errorf("%q: no error", test.text)
			continue
		}
		got := strings.ReplaceAll(err.Error(), dir, "DIR")
		_, got, _ = strings.Cut(got, `": `)
		if want := "resolve: " + test.want; got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", test.text, got, want)
		}
	}
}

// TestHomeConfig: without the key ssh_config the user's file counts.
func TestHomeConfig(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"config": "Include more\nUser one\n", "more": "Port 44\n"} {
		if err := os.WriteFile(filepath.Join(dir, ".ssh", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := &ssh.Dialer{Home: dir, Notice: func(string) {}}
	got, err := d.Resolved(inTime(t), parse(t, "ssh:web1"))
	if err != nil || fmt.Sprint(got["user"], got["port"]) != "[one] [44]" {
		t.Errorf("got %v, %v", got, err)
	}
	got, err = d.Resolved(inTime(t), parse(t, "ssh:web1//user=two//port=23//ssh_config=none"))
	if err != nil || fmt.Sprint(got["user"], got["port"]) != "[two] [23]" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := d.Resolved(inTime(t), parse(t, "ssh:web1//ssh_config="+dir+"/none")); err == nil {
		t.Error("a file that is not there: no error")
	}
}

// TestConfigOfOthers: what others can change is not read, because it can run
// programs. A file that the spec names is the caller's care, as with ssh -F.
func TestConfigOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes there")
	}
	dir := t.TempDir()
	config, included := filepath.Join(dir, ".ssh", "config"), filepath.Join(dir, "included")
	if err := os.Mkdir(filepath.Dir(config), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{config: "Include " + included + "\n", included: "User one\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		spec, path string
		mode       os.FileMode
		want       string
	}{
		{"ssh:web1", config, 0o644, ""},
		{"ssh:web1", config, 0o666, config},
		{"ssh:web1//ssh_config=" + config, config, 0o666, ""},
		{"ssh:web1//ssh_config=" + config, included, 0o602, included},
		{"ssh:web1", included, 0o600, ""},
	} {
		if err := os.Chmod(test.path, test.mode); err != nil {
			t.Fatal(err)
		}
		if test.want != "" {
			test.want = fmt.Sprintf("%s is not read: its mode %#o lets others change it, and it could run programs", test.want, test.mode)
		}
		got, err := (&ssh.Dialer{Home: dir}).Resolved(inTime(t), parse(t, test.spec))
		if text := fmt.Sprint(err); test.want != "" && text != test.want || test.want == "" && fmt.Sprint(got["user"]) != "[one]" {
			t.Errorf("%s, %s %#o:\ngot  %v, %v\nwant %s", test.spec, test.path, test.mode, got["user"], text, test.want)
		}
		if err := os.Chmod(test.path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMatchPattern(t *testing.T) {
	for _, test := range []struct {
		text, pattern string
		want          bool
	}{
		{"", "", true}, {"", "*", true}, {"a", "", false}, {"a", "?", true}, {"", "?", false},
		{"web1", "web?", true}, {"web12", "web?", false}, {"web12", "web*", true}, {"a.b.c", "*.c", true},
		{"a.b.c", "*.*.c", true}, {"abcabd", "*abd", true}, {"aaa", "*a*a*a*a", false}, {"x", "**", true},
	} {
		if got := ssh.MatchPattern(test.text, test.pattern); got != test.want {
			t.Errorf("%q, %q: got %v", test.text, test.pattern, got)
		}
	}
}

// FuzzConfig: no text makes reading fail in another way than with an error.
func FuzzConfig(f *testing.F) {
	for _, test := range configs {
		if !strings.Contains(test.text, "exec") && !strings.Contains(test.text, "localnetwork") {
			f.Add(test.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if lower := strings.ToLower(text); strings.Contains(lower, "exec") || strings.Contains(lower, "include") {
			return // no programs and no other files here
		}
		dir := t.TempDir()
		config := filepath.Join(dir, "config")
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d := &ssh.Dialer{Home: dir, Notice: func(string) {}}
		d.Resolved(t.Context(), parse(t, "ssh:web1//ssh_config="+config))
	})
}
