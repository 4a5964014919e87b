package agents

import (
	"bytes"
	"debug/buildinfo"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// root is that of this checkout.
var root = filepath.Join("..", "..")

// TestRecipe builds an agent as a development build does when it needs one, and
// as make does for a release: it has to be the same.
func TestRecipe(t *testing.T) {
	if testing.Short() {
		t.Skip("short: builds the agent twice")
	}
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	t.Setenv("GOAMD64", "v3") // as somebody has it for what runs here
	image, err := source{dir: root}.build(t.Context(), "linux", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := image.Open()
	if err != nil {
		t.Fatal(err)
	}
	built, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.Read(bytes.NewReader(built))
	if err != nil {
		t.Fatal(err)
	}
	if want := (debug.BuildSetting{Key: "GOAMD64", Value: "v1"}); !slices.Contains(info.Settings, want) {
		t.Errorf("the agent is not for all processors: %v", info.Settings)
	}
	if made := makeAgent(t); !bytes.Equal(built, made) {
		t.Errorf("the toolchain's agent has %d bytes and make's %d, and they are not the same", len(built), len(made))
	}
}

// makeAgent has make build the agent, without the commit in it.
func makeAgent(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "make", "-s", "-C", root, "agent", "BIN="+dir)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-buildvcs=false", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make agent: %v\n%s", err, out)
	}
	made, err := os.ReadFile(filepath.Join(dir, agentName))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestPlatforms compares the lists of platforms: make releases what the
// toolchain is asked for, and users are told so.
func TestPlatforms(t *testing.T) {
	var want []string
	for _, p := range platforms {
		want = append(want, p.os+"/"+p.arch)
	}
	slices.Sort(want)
	for _, tt := range []struct{ file, list string }{
		{"Makefile", `(?s)\nFAR_SIDES =(.*?[^\\])\n`},
		{"doc/bootstrap.md", `\n\| the release's \|(.*)`},
	} {
		t.Run(tt.file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(tt.file)))
			if err != nil {
				t.Fatal(err)
			}
			list := regexp.MustCompile(tt.list).FindSubmatch(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
			if list == nil {
				t.Fatal("it has no list")
			}
			got := regexp.MustCompile(`\b[a-z]+/[a-z0-9]+`).FindAllString(string(list[1]), -1)
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestRecipeChanges has an agent anew when it is to be built otherwise.
func TestRecipeChanges(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("go is not installed")
	}
	ownStore(t)
	dir := checkoutOf(t, "package main\n\nfunc main() {}\n")
	before, err := source{dir: dir}.key()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "cmd", agentName, recipeFile), "# otherwise\n")
	if after, err := (source{dir: dir}).key(); err != nil || after == before {
		t.Errorf("got the key %s, %v; want another than before", after, err)
	}
	if err := os.Remove(filepath.Join(dir, "cmd", agentName, recipeFile)); err != nil {
		t.Fatal(err)
	}
	_, err = source{dir: dir}.build(t.Context(), runtime.GOOS, runtime.GOARCH)
	if err == nil || !strings.HasPrefix(err.Error(), "how the agent is built: ") {
		t.Errorf("got %v, want that nothing says how to build it", err)
	}
}
