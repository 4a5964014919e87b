package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// block is a piece of code in the README, which a comment before it names.
var block = regexp.MustCompile("(?m)^<!-- (.+) -->\n```([a-z]+)\n((?s:.*?))^```$")

// fence begins or ends any piece with a language.
var fence = regexp.MustCompile("(?m)^```[a-z]+$")

// readme returns the pieces of code that the README has, each with the name of
// its source, its language and its text.
func readme(t *testing.T) [][]string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := block.FindAllStringSubmatch(string(text), -1)
	if got, want := len(blocks), len(fence.FindAll(text, -1)); got != want {
		t.Errorf("%d of the README's %d pieces of code have a comment that names their source", got, want)
	}
	return blocks
}

// TestReadmeSources compares the README's programs with the examples.
func TestReadmeSources(t *testing.T) {
	for _, b := range readme(t) {
		source, text := b[1], b[3]
		if source == "session" {
			continue
		}
		want, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(source)))
		if err != nil {
			t.Error(err)
			continue
		}
		if text != string(want) {
			t.Errorf("the README shows another %s: got\n%swant\n%s", source, text, want)
		}
	}
}

// TestReadmeSession types what the README's session does.
func TestReadmeSession(t *testing.T) {
	needsPrograms(t)
	if runtime.GOOS != "linux" {
		t.Skip("the README shows a session on Linux")
	}
	for _, b := range readme(t) {
		if b[1] != "session" {
			continue
		}
		for _, step := range strings.Split(b[3], "$ ")[1:] {
			line, want, _ := strings.Cut(step, "\n")
			t.Run(line, func(t *testing.T) {
				cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
				cmd.Dir = ".."
				cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
				got, _ := cmd.CombinedOutput() // some are to fail
				if string(got) != want {
					t.Errorf("got\n%swant\n%s", got, want)
				}
			})
		}
	}
}
