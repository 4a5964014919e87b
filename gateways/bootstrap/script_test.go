package bootstrap

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/agents"
)

// TestCommandLine checks what csh, fish and a log file need of the line.
func TestCommandLine(t *testing.T) {
	var all []*agents.Agent
	for _, u := range unames {
		all = append(all, &agents.Agent{OS: u.os, Arch: u.arch, Hash: strings.Repeat("0", 64)})
	}
	line := commandLine(all)
	body, ok := strings.CutPrefix(line, "exec sh -c '")
	body, ok2 := strings.CutSuffix(body, "' luagw")
	if !ok || !ok2 {
		t.Fatalf("the line is %q", line)
	}
	if i := strings.IndexAny(body, "'\\!\n\r\x00"); i >= 0 {
		t.Errorf("there is %q in the line, which some shells do not take", body[i])
	}
	if strings.Contains(line, "@HASHES@") {
		t.Error("the hashes are missing")
	}
	if len(line) > 5000 {
		t.Errorf("the line has %d bytes, want 5000 at most", len(line))
	}
	t.Logf("%d bytes for %d platforms", len(line), len(all))
	for _, u := range unames {
		if !strings.Contains(line, " "+u.patterns+") h=000") {
			t.Errorf("%s/%s is missing", u.os, u.arch)
		}
	}
}

// TestCommandLineWithoutHash leaves out what has yet to be built, and what
// cannot be told by uname.
func TestCommandLineWithoutHash(t *testing.T) {
	line := commandLine([]*agents.Agent{{OS: "linux", Arch: "arm64"}, {OS: "plan9", Arch: "386", Hash: "00"}})
	if strings.Contains(line, "aarch64") || strings.Contains(line, "h=00") {
		t.Errorf("the line is %q", line)
	}
}

func TestCommandOfAgent(t *testing.T) {
	b := &Bootstrap{Agents: broken{}}
	for _, tt := range []struct{ spec, want string }{
		{"ssh:web1:/opt/agent", "exec /opt/agent"},
		{"ssh:web1//agent=agent 'a b' \"it's\" ~/x $HOME * \\! a\\\\b ''", `exec agent 'a b' 'it'\''s' '~/x' '$HOME' '*' \! 'a'\\'b' ''`},
		{"exec=enter web1//agent=agent -v//bootstrap=yes", "exec agent -v"},
	} {
		got, err := b.Command(mustParse(t, tt.spec))
		if err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v; want %s", tt.spec, got, err, tt.want)
		}
	}
	if _, err := b.Command(&luagw.Spec{Kind: "ssh", Target: "web1", Agent: "a | b"}); err == nil {
		t.Error("a pipe is no error")
	}
}

// broken is a source whose agent cannot be loaded.
type broken struct{}

func (broken) Agents() ([]*agents.Agent, error) {
	load := func(context.Context) (*agents.Image, error) { return nil, errors.New("it is broken") }
	return []*agents.Agent{{OS: "linux", Arch: "amd64", Origin: "from nowhere", Load: load}}, nil
}

// TestQuoteWords asks the shells what they make of it.
func TestQuoteWords(t *testing.T) {
	words := []string{"", "a b", "it's", `a\b`, `\`, "!x!", "$HOME", "`id`", "$(id)", "*", "~", `"q"`, "#", "a;b", "é\t", "{a,b}", "=ls", "%1", "^x", "-n", "a'\\'!b"}
	for _, shell := range []string{"sh", "dash", "bash", "ksh", "mksh", "yash", "zsh", "csh", "tcsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skipf("%s is not installed", shell)
			}
			for _, word := range words {
				cmd := exec.Command(shell, "-c", "exec printf %s/%s "+quoteWords([]string{word, "end"}))
				cmd.Env = append(cmd.Environ(), "LC_ALL=C.UTF-8")
				out, err := cmd.CombinedOutput()
				if err != nil || string(out) != word+"/end" {
					t.Errorf("of %q it makes %q, %v", word, out, err)
				}
			}
		})
	}
}

func TestPlatformOf(t *testing.T) {
	for _, tt := range []struct{ uname, want string }{
		{"Linux x86_64", "linux/amd64"},
		{"Linux aarch64", "linux/arm64"},
		{"Linux armv7l", "linux/arm"},
		{"Linux armv6l", "linux/arm"},
		{"Linux armv8l", "linux/arm"}, // 32 bits on a processor of 64
		{"Linux armv5tel", "/"},
		{"Linux i686", "linux/386"},
		{"Linux riscv64", "linux/riscv64"},
		{"Linux mips", "/"},
		{"Darwin arm64", "darwin/arm64"},
		{"Darwin x86_64", "darwin/amd64"},
		{"FreeBSD amd64", "freebsd/amd64"},
		{"FreeBSD arm64", "freebsd/arm64"},
		{"SunOS i86pc", "/"},
		{"", "/"},
	} {
		goos, goarch, ok := platformOf(tt.uname)
		if got := goos + "/" + goarch; got != tt.want || ok != (tt.want != "/") {
			t.Errorf("%q: got %s, %v; want %s", tt.uname, got, ok, tt.want)
		}
	}
}

func TestCleanReason(t *testing.T) {
	for _, tt := range []struct{ words, want string }{
		{"; /a: no room; /b: none", "/a: no room; /b: none"},
		{"; /a: dd: full 3+0 records in 2+1 records out 99 bytes copied; /b: none", "/a: dd: full; /b: none"},
		{"; /a: dd: warning: partial read (3979 bytes); suggest iflag=fullblock dd: error writing: No space left on device; /b: none", "/a: dd: error writing: No space left on device; /b: none"},
		{"red \x1b[31m\x00\xff", "red  [31m \uFFFD"},
		{strings.Repeat("x", maxReason+1), strings.Repeat("x", maxReason) + "..."},
	} {
		if got := cleanReason(tt.words); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.words, got, tt.want)
		}
	}
}
