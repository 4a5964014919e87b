package lua_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua"
)

// The tests of Lua 5.1, and gopher-lua's own, that gopher-lua passes. Left out is
// attrib, which looks for modules in files by package.path, where ours come from
// the near side.
var suites = map[string][]string{
	"_lua5.1-tests": {
		"calls", "closure", "constructs", "events", "literals", "locals", "math", "sort", "strings",
		"vararg", "pm", "files",
	},
	"_glua-tests": {"base", "coroutine", "db", "issues", "os", "table", "vm", "math", "strings", "goto"},
}

// slow are those that take seconds: by a million small chunks, and by deep calls.
var slow = map[string]bool{"constructs": true, "calls": true}

// TestLua51Suite runs them as fragments: what a fragment's state has in place of
// gopher-lua's libraries must not be told from them.
func TestLua51Suite(t *testing.T) {
	source := moduleDir(t, "github.com/yuin/gopher-lua")
	for suite, names := range suites {
		dir := filepath.Join(t.TempDir(), suite)
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(source, suite))); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			t.Run(suite+"/"+name, func(t *testing.T) {
				if testing.Short() && slow[name] {
					t.Skip("takes seconds")
				}
				t.Chdir(dir)
				t.Cleanup(func() { os.Unsetenv("_____GLUATEST______") }) // os.lua sets it, and wants it unset
				runSuite(t, name+".lua")
			})
		}
	}
}

// changes are made to files: what is there, and what is put in its place.
var changes = map[string][2]string{
	"issues.lua": {"assert(ecode == 1)", "assert(ecode == 21)"}, // EISDIR, as Lua has it; gopher-lua always has 1
	"locals.lua": {"return 5,f", "return 5"},                    // a function cannot leave
	"calls.lua":  {"print('OK')\nreturn deep", ""},
}

func runSuite(t *testing.T, file string) {
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if change, ok := changes[file]; ok {
		if !bytes.Contains(source, []byte(change[0])) {
			t.Fatalf("%s has no %q", file, change[0])
		}
		source = bytes.Replace(source, []byte(change[0]), []byte(change[1]), 1)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var printed bytes.Buffer
	chunk := &luagw.Chunk{Name: file, Source: string(source)}
	err = (&lua.Runtime{}).RunLocal(ctx, chunk, &printed, findHere)
	if remote, ok := errors.AsType[*luagw.RemoteError](err); ok {
		t.Fatalf("%v\n%s\nprinted: %s", remote, remote.Traceback, &printed)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// findHere finds modules as a script's folder gives them.
func findHere(name string) (string, error) {
	source, err := os.ReadFile(strings.ReplaceAll(name, ".", "/") + ".lua")
	if err != nil {
		return "", fmt.Errorf("module %q: %w", name, err)
	}
	return string(source), nil
}

// moduleDir is where the source of a module lies.
func moduleDir(t *testing.T, module string) string {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

// What require finds is the global, whichever comes first.
func TestLibrariesAreTheSameEitherWay(t *testing.T) {
	for _, name := range []string{"string", "table", "math", "coroutine", "debug", "io", "os", "fs", "json"} {
		for _, source := range []string{
			fmt.Sprintf("local a = require(%q) return a == %s, package.loaded[%q] == a", name, name, name),
			fmt.Sprintf("local a = %s return a == require(%q), package.loaded[%q] == a", name, name, name),
			fmt.Sprintf("local a = require(%q) return a == loadstring('return %s')(), true", name, name),
		} {
			chunk := &luagw.Chunk{Name: "same", Source: source}
			if err := (&lua.Runtime{}).RunLocal(t.Context(), chunk, io.Discard, findHere); err != nil {
				t.Errorf("%s: %v", source, err)
				continue
			}
			for i, result := range chunk.Results {
				if same, err := luagw.Unmarshal(result.(luagw.Raw)); same != true || err != nil {
					t.Errorf("%s: result %d = %v, %v", source, i+1, same, err)
				}
			}
		}
	}
}

func TestNamesOfLoadedChunks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.lua")
	if err := os.WriteFile(path, []byte("error('here')"), 0o600); err != nil {
		t.Fatal(err)
	}
	chunk := &luagw.Chunk{Name: "names", Args: []any{path}, Source: `
		local path = ...
		local f = loadstring("error('here')", "mine")
		local _, short = pcall(f)
		local _, file = pcall(loadfile(path))
		local _, open = loadstring("return (")
		return debug.getinfo(f).source, short, file, open`}
	if err := (&lua.Runtime{}).RunLocal(t.Context(), chunk, io.Discard, findHere); err != nil {
		t.Fatal(err)
	}
	want := []string{"mine", `[string "mine"]:1: here`, path + ":1: here", `[string "return ("]: syntax error near '<eof>'`}
	for i, result := range chunk.Results {
		if got, err := luagw.Unmarshal(result.(luagw.Raw)); got != want[i] || err != nil {
			t.Errorf("result %d = %v, %v; want %q", i+1, got, err, want[i])
		}
	}
}
