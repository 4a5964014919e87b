// Package examples has programs that show luagw at work, one in each folder:
// main.go, its twin in Lua where there is one, and what both of them print. Its
// tests run them all, and what the README shows.
package examples

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

// bin is the folder with the built examples and the command.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// buildAndRun builds everything once, before the tests that share it.
func buildAndRun(m *testing.M) (code int, err error) {
	if testing.Short() {
		return m.Run(), nil
	}
	if bin, err = os.MkdirTemp("", "luagw-examples"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(bin)
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", bin+string(filepath.Separator), "./...", "../cmd/luagw")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the examples: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// TestExamples runs each example and its twin, which must print what the file
// named want beside them says.
func TestExamples(t *testing.T) {
	needsPrograms(t)
	wants, err := filepath.Glob("*/want")
	if err != nil || len(wants) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, want := range wants {
		dir := filepath.Dir(want)
		t.Run(dir, func(t *testing.T) {
			compare(t, want, program(t, dir, filepath.Join(bin, dir)))
		})
		if _, err := os.Stat(filepath.Join(dir, "main.lua")); err == nil {
			t.Run(dir+".lua", func(t *testing.T) {
				compare(t, want, program(t, dir, filepath.Join(bin, "luagw"), "run", "main.lua"))
			})
		}
	}
}

// TestExampleOverSSH runs one against a real server, for which it is its own
// agent, and its twin, whose agent is luagw-agent.
func TestExampleOverSSH(t *testing.T) {
	needsPrograms(t)
	host := sshtest.StartSshd(t, "SetEnv XDG_CACHE_HOME="+t.TempDir())
	want := filepath.Join("sshfiles", "want")
	t.Run("sshfiles", func(t *testing.T) {
		compare(t, want, program(t, "sshfiles", filepath.Join(bin, "sshfiles"), host.Spec()))
	})
	t.Run("sshfiles.lua", func(t *testing.T) {
		compare(t, want, program(t, "sshfiles", filepath.Join(bin, "luagw"), "run", "main.lua", host.Spec()))
	})
}

// needsPrograms skips where the programs are not built, or do not fit.
func needsPrograms(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("short: the examples are not built")
	}
	if runtime.GOOS == "windows" {
		t.Skip("the examples read files and run commands that Windows has not")
	}
}

// TestEveryExampleIsRun finds an example without a file named want.
func TestEveryExampleIsRun(t *testing.T) {
	mains, err := filepath.Glob("*/main.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, main := range mains {
		if _, err := os.Stat(filepath.Join(filepath.Dir(main), "want")); err != nil {
			t.Errorf("%s is not run: %v", main, err)
		}
	}
}

// program runs a program in dir and returns its output.
func program(t *testing.T, dir, path string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v\n%s", filepath.Base(path), err, stderr.Bytes())
	}
	return stdout.String()
}

func compare(t *testing.T, want, got string) {
	t.Helper()
	text, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if !matches(string(text), got) {
		t.Errorf("got\n%swant\n%s", got, text)
	}
}

var placeholder = regexp.MustCompile(`<[a-z]+>`)

// matches says whether got is what want says, where a word in angle brackets
// stands for something within a line that depends on the machine.
func matches(want, got string) bool {
	var pattern strings.Builder
	rest := want
	for _, at := range placeholder.FindAllStringIndex(want, -1) {
		pattern.WriteString(regexp.QuoteMeta(want[len(want)-len(rest) : at[0]]))
		pattern.WriteString(".+")
		rest = want[at[1]:]
	}
	pattern.WriteString(regexp.QuoteMeta(rest))
	return regexp.MustCompile(`\A` + pattern.String() + `\z`).MatchString(got)
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		name, want, got string
		ok              bool
	}{
		{"same", "a\n", "a\n", true},
		{"more", "a\n", "a\nb\n", false},
		{"placeholder", "pid <n>, <x>.\n", "pid 12, a b.\n", true},
		{"empty", "pid <n>\n", "pid \n", false},
		{"another line", "<x>\n", "a\nb\n", false},
		{"signs", "[<nil>] (.*)\n", "[x] (.*)\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := matches(tt.want, tt.got); got != tt.ok {
				t.Errorf("matches(%q, %q) = %v, want %v", tt.want, tt.got, got, tt.ok)
			}
		})
	}
}
