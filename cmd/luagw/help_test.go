package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/luagw/luagw"
)

// TestTargetsHelp reads what the help and the README say of specs: no kind and
// no key that there is not.
func TestTargetsHelp(t *testing.T) {
	for line := range strings.Lines(targetsHelp) {
		words := regexp.MustCompile(`^  (\S.*?)  `).FindStringSubmatch(line)
		if words != nil {
			parse(t, words[1])
		}
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile("(?m)^\\| (`(?:popen|ssh:|exec=|tcp:|unix:|//).*?) \\|")
	rows := table.FindAllSubmatch(readme, -1)
	if len(rows) < 15 {
		t.Errorf("the README has %d rows with specs and keys, want more", len(rows))
	}
	for _, row := range rows {
		for _, code := range regexp.MustCompile("`([^`]+)`").FindAllSubmatch(row[1], -1) {
			parse(t, string(code[1]))
		}
	}
}

// parse reads a spec or a key as it stands in a manual, with what may be left
// out in brackets, or with dots. A key has to be known to one kind.
func parse(t *testing.T, text string) {
	t.Helper()
	example := strings.NewReplacer("[", "", "]", "", "PORT", "8888", "token=...", "token="+strings.Repeat("0", 64)).Replace(text)
	if !strings.HasPrefix(example, "//") {
		if _, err := luagw.ParseSpec(example); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		return
	}
	var faults []string
	for _, kind := range []string{"popen", "exec=sh", "ssh:h", "tcp:h", "unix:/s"} {
		_, err := luagw.ParseSpec(kind + example)
		if err == nil {
			return
		}
		faults = append(faults, err.Error())
	}
	t.Errorf("%s: no kind takes it: %s", text, strings.Join(faults, "; "))
}
