package agents

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/luagw/luagw"
)

// TestMain is a program that serves as an agent, as far as Self looks.
func TestMain(m *testing.M) {
	luagw.ServeIfAgent(nil)
	os.Exit(m.Run())
}

// ownStore gives a test a store that nobody else has.
func ownStore(t *testing.T) store {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, dir)
	}
	return theStore()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, source Source) []*Agent {
	t.Helper()
	all, err := source.Agents()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func names(all []*Agent) []string {
	var names []string
	for _, agent := range all {
		names = append(names, agent.Platform()+" "+filepath.Base(agent.Origin))
	}
	return names
}

// checkImage loads an agent and compares it with its executable.
func checkImage(t *testing.T, agent *Agent, want []byte) {
	t.Helper()
	image, err := agent.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(want)
	if image.Hash != hex.EncodeToString(sum[:]) || agent.Hash != image.Hash || image.Size != int64(len(want)) {
		t.Errorf("hash %s, listed as %s, and size %d are not those of the executable", image.Hash, agent.Hash, image.Size)
	}
	r, err := image.Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("it holds %d bytes, %v; want the %d of the executable", len(got), err, len(want))
	}
}

func TestBeside(t *testing.T) {
	ownStore(t)
	dir := t.TempDir()
	beside := &Beside{Dir: dir}
	if all := list(t, beside); len(all) != 0 {
		t.Errorf("got %q of an empty directory", names(all))
	}
	write(t, filepath.Join(dir, "luagw-agent_linux_arm64"), "for arm64")
	write(t, filepath.Join(dir, "luagw-agent_linux_arm64.old"), "no platform")
	write(t, filepath.Join(dir, "luagw-agent_windows_amd64.exe"), "for windows")
	write(t, filepath.Join(dir, "luagw-agent_linux_"), "no platform")
	write(t, filepath.Join(dir, "luagw-agent"), "no Go program")
	write(t, filepath.Join(dir, "luagw"), "something else")
	if err := os.Mkdir(filepath.Join(dir, "luagw-agent_linux_386"), 0o755); err != nil {
		t.Fatal(err)
	}
	packedImage, err := compress([]byte("for freebsd"), 9)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "luagw-agent_freebsd_amd64.gz"), string(packedImage.Gzip))
	write(t, filepath.Join(dir, "luagw-agent_linux_arm64.gz"), string(packedImage.Gzip)) // the plain one is taken
	write(t, filepath.Join(dir, "luagw-agent_linux_riscv64.gz"), "no gzip")

	all := list(t, beside)
	want := []string{"linux/arm64 luagw-agent_linux_arm64", "windows/amd64 luagw-agent_windows_amd64.exe", "freebsd/amd64 luagw-agent_freebsd_amd64.gz"}
	if got := names(all); !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	checkImage(t, all[0], []byte("for arm64"))
	checkImage(t, all[0], []byte("for arm64")) // from the store
	checkImage(t, all[2], []byte("for freebsd"))
}

// TestBesideReplaced has a file that is changed while it is in use.
func TestBesideReplaced(t *testing.T) {
	ownStore(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "luagw-agent_linux_arm64")
	write(t, path, "old")
	beside := &Beside{Dir: dir}
	old := list(t, beside)[0]
	if again := list(t, beside)[0]; again != old {
		t.Error("the file is read again though it has not changed")
	}
	write(t, path, "newer")
	if _, err := old.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "replaced by another") {
		t.Errorf("got %v, want that it was replaced", err)
	}
	checkImage(t, list(t, beside)[0], []byte("newer"))
}

func TestSelf(t *testing.T) {
	ownStore(t)
	all := list(t, &Self{})
	if len(all) != 1 || all[0].OS != runtime.GOOS || all[0].Arch != runtime.GOARCH {
		t.Fatalf("got %q, want this program", names(all))
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	checkImage(t, all[0], self)
}

// TestDefault sends a program that serves as an agent where it runs itself.
func TestDefault(t *testing.T) {
	all, _ := Default().Agents() // where there is no go, that is an error
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, agent := range all {
		if own := agent.OS == runtime.GOOS && agent.Arch == runtime.GOARCH; own != (agent.Origin == self) {
			t.Errorf("for %s there is %s", agent.Platform(), agent.Origin)
		}
	}
	if len(all) == 0 {
		t.Error("there is no agent")
	}
}

// fixed is a source.
type fixed struct {
	all []*Agent
	err error
}

func (f fixed) Agents() ([]*Agent, error) { return f.all, f.err }

func TestSources(t *testing.T) {
	fault := errors.New("it is raining")
	sources := Sources{
		fixed{all: []*Agent{{OS: "linux", Arch: "arm64", Origin: "first"}}},
		fixed{err: fault},
		fixed{all: []*Agent{{OS: "linux", Arch: "arm64", Origin: "second"}, {OS: "linux", Arch: "386", Origin: "second"}}},
	}
	all, err := sources.Agents()
	if want := []string{"linux/arm64 first", "linux/386 second"}; !slices.Equal(names(all), want) {
		t.Errorf("got %q, want %q", names(all), want)
	}
	if !errors.Is(err, fault) {
		t.Errorf("got %v, want %v", err, fault)
	}
}

// TestPack packs as make release does, and lists as a release build does.
func TestPack(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "packed")
	var paths []string
	for _, name := range []string{"luagw-agent_linux_arm64", "luagw-agent_darwin_amd64"} {
		paths = append(paths, filepath.Join(in, name))
		write(t, paths[len(paths)-1], strings.Repeat(name, 1000))
	}
	if err := Pack(out, paths...); err != nil {
		t.Fatal(err)
	}
	all, err := packed(os.DirFS(out))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"linux/arm64 embedded", "darwin/amd64 embedded"}; !slices.Equal(names(all), want) {
		t.Fatalf("got %q, want %q", names(all), want)
	}
	checkImage(t, all[1], []byte(strings.Repeat("luagw-agent_darwin_amd64", 1000)))

	if err := Pack(out, filepath.Join(in, "luagw-agent")); err == nil {
		t.Error("a name without a platform is no error")
	}
	write(t, filepath.Join(out, indexName), "rubbish\n")
	if _, err := packed(os.DirFS(out)); err == nil || !strings.Contains(err.Error(), `line "rubbish\n"`) {
		t.Errorf("got %v, want an error with the line", err)
	}
}

func TestStore(t *testing.T) {
	s := ownStore(t)
	image, err := compress([]byte("an agent"), 9)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.image(image.Hash); err == nil {
		t.Error("an empty store has it")
	}
	s.keepBuilt("key", image)
	if hash, ok := s.built("key"); !ok || hash != image.Hash {
		t.Errorf("built: got %q, %v", hash, ok)
	}
	got, err := s.image(image.Hash)
	if err != nil || !bytes.Equal(got.Gzip, image.Gzip) || got.Size != image.Size {
		t.Errorf("got %v, %v; want what was kept", got, err)
	}

	path := filepath.Join(s.dir, image.Hash+".gz")
	old := time.Now().Add(-2 * keepFor)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	s.clean()
	if _, ok := s.built("key"); ok {
		t.Error("built names what was cleaned away")
	}
	write(t, path, "half of it")
	if _, err := s.image(image.Hash); err == nil {
		t.Error("a damaged file is taken")
	}
	if _, err := (store{}).image(image.Hash); err == nil {
		t.Error("no store has it")
	}
	(store{}).keep(image)
}

// checkoutOf makes a checkout with an agent that is built quickly.
func checkoutOf(t *testing.T, main string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "cmd", "luagw-agent"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.mod"), "module "+modulePath+"\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "cmd", "luagw-agent", "main.go"), main)
	write(t, filepath.Join(dir, "cmd", "luagw-agent", recipeFile), "CGO_ENABLED=0\n'-ldflags=-s -w'\n")
	return dir
}

func find(t *testing.T, source Source, goos, goarch string) *Agent {
	t.Helper()
	for _, agent := range list(t, source) {
		if agent.OS == goos && agent.Arch == goarch {
			return agent
		}
	}
	t.Fatalf("there is no agent for %s/%s", goos, goarch)
	return nil
}

// keepGoCache lets a test that moves HOME use what go has compiled already.
func keepGoCache(t *testing.T) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip("there is no place for what go compiles")
	}
	if os.Getenv("GOCACHE") == "" {
		t.Setenv("GOCACHE", filepath.Join(cache, "go-build"))
	}
}

func TestToolchain(t *testing.T) {
	if testing.Short() {
		t.Skip("short: builds programs")
	}
	keepGoCache(t)
	ownStore(t)
	dir := checkoutOf(t, "package main\n\nfunc main() { println(1) }\n")
	toolchain := &Toolchain{Dir: dir}
	agent := find(t, toolchain, runtime.GOOS, runtime.GOARCH)
	if agent.Hash != "" {
		t.Errorf("it has hash %s before it is built", agent.Hash)
	}
	var all sync.WaitGroup
	images := make([]*Image, 5)
	for i := range images {
		all.Go(func() {
			var err error
			if images[i], err = agent.Load(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, image := range images {
		if image == nil || image.Hash != images[0].Hash {
			t.Fatal("those who wanted it at the same time got different ones")
		}
	}
	if again := find(t, &Toolchain{Dir: dir}, runtime.GOOS, runtime.GOARCH); again.Hash != images[0].Hash {
		t.Errorf("afterwards it is listed with hash %q, want %q", again.Hash, images[0].Hash)
	}
	write(t, filepath.Join(dir, "cmd", "luagw-agent", "main.go"), "package main\n\nfunc main() { println(2) }\n")
	if changed := find(t, &Toolchain{Dir: dir}, runtime.GOOS, runtime.GOARCH); changed.Hash != "" {
		t.Error("it is the same though the source has changed")
	}
}

func TestToolchainFails(t *testing.T) {
	if testing.Short() {
		t.Skip("short: runs go build")
	}
	keepGoCache(t)
	ownStore(t)
	agent := find(t, &Toolchain{Dir: checkoutOf(t, "package main\n\nfunc main() { rubbish }\n")}, "linux", "arm64")
	_, err := agent.Load(t.Context())
	if err == nil || !strings.Contains(err.Error(), "build the agent for linux/arm64: go build: exit status 1: ") || !strings.Contains(err.Error(), "undefined: rubbish") {
		t.Errorf("got %v, want what the compiler says", err)
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := agent.Load(late); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err := (&Toolchain{Dir: t.TempDir()}).Agents(); err == nil || !strings.Contains(err.Error(), "luagw's source is not in") {
		t.Errorf("got %v, want that there is no source", err)
	}
}

// TestToolchainFindsSource finds this very checkout.
func TestToolchainFindsSource(t *testing.T) {
	src, err := findSource("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(src.dir, "gateways", "agents", "source.go")); err != nil {
		t.Error(err)
	}
}

// BenchmarkDefault is what each bootstrap pays for the list.
func BenchmarkDefault(b *testing.B) {
	for b.Loop() {
		Default().Agents()
	}
}
