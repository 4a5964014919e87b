package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/luagw/luagw"

	// maxSize is what the agent may have, in bytes: it is sent over the
	// network to where it runs.
	maxSize   = 4_718_592 // 4.5 MiB
	maxPacked = 1_992_294 // 1.9 MiB, by gzip
)

// modules are the packages outside the standard library which the agent may
// link, and why.
var modules = map[string]string{
	module:                             "both ends of the protocol",
	module + "/cmd/luagw-agent":        "the agent's main",
	module + "/internal/busy":          "waits for the near side's next item without going to sleep",
	module + "/internal/child":         "starts what a gateway reaches through the agent",
	module + "/internal/msgpack":       "how items are encoded",
	module + "/internal/nearest":       "the word that somebody meant who has mistyped it",
	module + "/internal/allow":         "what fragments may do, where somebody has narrowed that",
	module + "/internal/peer":          "who connects to an agent that listens",
	module + "/internal/proctree":      "ends what fragments have started",
	module + "/internal/socket":        "connects to what a gateway reaches through the agent",
	module + "/lua":                    "runs the fragments",
	module + "/lua/std":                "the modules that fragments find built in",
	module + "/mux":                    "streams over one connection",
	"github.com/yuin/gopher-lua":       "the Lua VM",
	"github.com/yuin/gopher-lua/ast":   "a part of the VM",
	"github.com/yuin/gopher-lua/parse": "a part of the VM",
	"github.com/yuin/gopher-lua/pm":    "patterns of Lua, a part of the VM",
	"golang.org/x/sys/unix":            "process groups, mounts and clocks, of which syscall lacks some",
	"golang.org/x/sys/windows":         "job objects and processes, of which syscall lacks some",
}

// heavy are the packages of the standard library that cost much, each with all
// that is below it. The agent may import one of them only if allowed says why.
var heavy = []string{
	"archive", "compress", "crypto", "database", "debug", "encoding/gob", "encoding/json", "encoding/xml", "expvar",
	"go", "html", "image", "index", "log", "mime", "net", "os/exec", "os/signal", "os/user", "plugin", "regexp", "testing",
	"text",
}

// allowed are the heavy packages which the agent may import, and why.
var allowed = map[string]string{
	"crypto":         "imported by the hashes",
	"crypto/cipher":  "imported by the hashes",
	"crypto/fips140": "imported by the hashes",
	"crypto/md5":     "hash.md5",
	"crypto/sha1":    "hash.sha1",
	"crypto/sha256":  "names modules by their content; hash.sha256",
	"crypto/sha512":  "hash.sha512",
	"crypto/subtle":  "imported by the hashes",
	"encoding/json":  "the near side reads the hello with it; the linker leaves it out of the agent",
	"log":            "imported by log/slog",
	"log/slog":       "Group.Logger of the near side; the linker leaves it out of the agent",
	"net":            "ErrClosed wraps net.ErrClosed; host.facts lists addresses",
	"net/netip":      "imported by net; addresses in specs",
	"os/exec":        "process.run",
}

// forbidden are packages that must not come back, each with all that is below
// it, and why. They are named beside those that are merely not in modules or
// allowed, because each of them was close once.
var forbidden = map[string]string{
	"crypto/tls":                      "costs 2.7 MB; the near side, or the host's curl, does what needs TLS",
	"crypto/hmac":                     "costs 16 KB; lua/std has its own",
	"encoding/gob":                    "compiles decoders by reflection; items are MessagePack",
	"github.com/hashicorp/yamux":      "mux speaks its protocol itself",
	"github.com/spf13/cobra":          "is the command's; the agent takes no arguments",
	"github.com/spf13/pflag":          "is the command's; the agent takes no arguments",
	"github.com/tinylib/msgp":         "links encoding/json, 320 KB; internal/msgpack does what is needed of it",
	"go":                              "the agent compiles Lua, not Go",
	"golang.org/x/crypto":             "costs 2 MB; an agent is reached through what encrypts: ssh, or luagw serve",
	"html":                            "the agent makes no pages",
	"net/http":                        "costs 3.7 MB; the near side, or the host's curl, does what needs HTTP",
	"os/user":                         "links the C library where cgo is on; lua/std reads the files itself",
	"regexp":                          "compiles what Lua's patterns do without",
	"testing":                         "is for tests",
	"text/template":                   "calls methods by name, so that the linker must keep all: 1 MB",
	module + "/gateways":              "is the near side's; weighs what an ssh client weighs",
	"github.com/reeflective/readline": "is the command's; the agent has no terminal",
	"github.com/jedib0t/go-pretty":    "is the command's; the agent prints no tables",
}

// unlinked are functions of packages which the agent imports but must not link:
// the near side's, which share a package with it.
var unlinked = map[string]string{
	"encoding/json.Unmarshal":    "a hello is read by the near side only",
	"encoding/json.Marshal":      "the agent writes its hello itself",
	"log/slog.(*Logger).":        "agents log through their own type",
	"luagw.(*Group).":            "opens gateways, which agents do not",
	"luagw.(*Gateway).Close":     "is the near side's; no type that an agent has as an interface may lead to it",
	"net.(*Dialer).":             "costs 315 KB; internal/socket connects",
	"luagw.planOf":               "Go's types as items; the tag luagw_agent leaves them out",
	"reflect.Value.MethodByName": "makes the linker keep every exported method",
	"text/template.":             "makes the linker keep every exported method",
	"regexp.":                    "is for the near side and for tests",
}

func TestDependencies(t *testing.T) {
	for _, pkg := range list(t, "-deps", "-f", "{{.Standard}} {{.ImportPath}}", ".") {
		standard, path, _ := strings.Cut(pkg, " ")
		switch why := reason(path); {
		case why != "":
			t.Errorf("the agent must not link %s: it %s", path, why)
		case standard == "false" && modules[path] == "":
			t.Errorf("the agent links %s: give the reason in modules, or do without", path)
		case standard == "true" && isHeavy(path) && allowed[path] == "":
			t.Errorf("the agent links %s: give the reason in allowed, or do without", path)
		}
	}
}

// reason is why path is forbidden, or empty.
func reason(path string) string {
	for prefix, why := range forbidden {
		if isBelow(path, prefix) {
			return why
		}
	}
	return ""
}

// isHeavy reports whether a package of the standard library is heavy. Internal
// ones are judged by who imports them.
func isHeavy(path string) bool {
	if slices.Contains(strings.Split(path, "/"), "internal") {
		return false
	}
	return slices.ContainsFunc(heavy, func(prefix string) bool { return isBelow(path, prefix) })
}

func isBelow(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// TestImports checks who may import whom. The root is the bottom, but for mux:
// what has weight imports the root.
func TestImports(t *testing.T) {
	for _, line := range list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/...") {
		pkg, imports, _ := strings.Cut(line, " ")
		for path := range strings.FieldsSeq(imports) {
			if why := misplaced(pkg, path); why != "" {
				t.Errorf("%s imports %s: %s", pkg, path, why)
			}
		}
	}
}

// misplaced is why pkg must not import path, or empty.
func misplaced(pkg, path string) string {
	const lua, gateways, mux, internal = module + "/lua", module + "/gateways", module + "/mux", module + "/internal"
	ours := isBelow(path, module)
	standard := !strings.Contains(strings.Split(path, "/")[0], ".")
	switch {
	case isBelow(path, module+"/cmd"):
		return "nothing imports a command"
	case pkg == module && !standard && path != mux && !isBelow(path, internal):
		return "the root imports mux, internal packages and the standard library only"
	case isBelow(pkg, mux) && ours && !isBelow(path, internal):
		return "mux imports nothing of ours but internal packages"
	case isBelow(pkg, internal) && ours && !isBelow(path, internal):
		return "internal packages are below all others"
	case isBelow(pkg, lua) && isBelow(path, gateways), isBelow(pkg, gateways) && isBelow(path, lua):
		return "lua and gateways do not know one another"
	case isBelow(pkg, lua+"/std") && path == module:
		return "the modules of fragments know nothing of connections"
	}
	return ""
}

// TestMisplaced makes sure that the rules would find something.
func TestMisplaced(t *testing.T) {
	tests := []struct {
		name, pkg, path string
		want            bool
	}{
		{"root and mux", module, module + "/mux", false},
		{"root and the standard library", module, "net/netip", false},
		{"root and internal", module, module + "/internal/msgpack", false},
		{"root and lua", module, module + "/lua", true},
		{"root and a library", module, "github.com/yuin/gopher-lua", true},
		{"mux and root", module + "/mux", module, true},
		{"mux and internal", module + "/mux", module + "/internal/x", false},
		{"lua and root", module + "/lua", module, false},
		{"lua and gateways", module + "/lua", module + "/gateways/ssh", true},
		{"gateways and lua", module + "/gateways/ssh", module + "/lua/std", true},
		{"std and root", module + "/lua/std", module, true},
		{"std and internal", module + "/lua/std", module + "/internal/proctree", false},
		{"command and all", module + "/cmd/luagw", module + "/gateways", false},
		{"library and command", module + "/lua", module + "/cmd/luagw", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := misplaced(tt.pkg, tt.path); (got != "") != tt.want {
				t.Errorf("got %q, want refused %v", got, tt.want)
			}
		})
	}
}

// TestSize builds the agent as make does, for the platform on which most run.
func TestSize(t *testing.T) {
	if testing.Short() {
		t.Skip("short: builds the agent")
	}
	b := buildAgent(t)
	t.Logf("the agent has %d bytes (%.2f MiB)", len(b), float64(len(b))/(1<<20))
	if len(b) > maxSize {
		t.Errorf("the agent has %d bytes, want %d at most", len(b), maxSize)
	}
	packed := pack(t, b)
	t.Logf("packed it has %d bytes (%.2f MiB)", packed, float64(packed)/(1<<20))
	if packed > maxPacked {
		t.Errorf("packed the agent has %d bytes, want %d at most", packed, maxPacked)
	}
	// A stripped program still has the names of its functions.
	for function, why := range unlinked {
		if bytes.Contains(b, []byte(function)) {
			t.Errorf("the agent has functions of %q: %s", function, why)
		}
	}
}

// pack is how many bytes are sent of b.
func pack(t *testing.T, b []byte) int {
	t.Helper()
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(b)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Len()
}

// buildAgent returns the agent as make builds it.
func buildAgent(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "make", "-s", "-C", "../..", "agent", "BIN="+dir)
	cmd.Env = append(os.Environ(), forLinux...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make agent: %v\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "luagw-agent"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// forLinux makes the results the same everywhere.
var forLinux = []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS="}

func list(t *testing.T, args ...string) []string {
	t.Helper()
	out := goCommand(t, append([]string{"list"}, args...)...)
	return strings.Split(strings.TrimSpace(out), "\n")
}

// goCommand runs go for the platform of forLinux.
func goCommand(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), forLinux...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(fmt.Errorf("go %s: %w\n%s", args[0], err, stderr.Bytes()))
	}
	return string(out)
}
