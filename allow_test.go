//go:build unix

package luagw_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/internal/allow"
)

// narrowed opens a gateway to an agent with these rules, whose folder has r, which
// may be read, w, which may be written, and x, which may not be touched.
func narrowed(t *testing.T, rules string) (*luagw.Group, *luagw.Gateway) {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"r", "w", "x"} {
		if err := os.Mkdir(filepath.Join(top, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(top, name, "f"), []byte("return '"+name+"'"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../x", filepath.Join(top, name, "away")); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(allow.Var, strings.ReplaceAll(rules, "TOP", top))
	group := &luagw.Group{Dial: gateways.Dial}
	t.Cleanup(func() { group.Close() })
	gw, err := group.Open(t.Context(), "popen//id=narrow//dir="+top)
	if err != nil {
		t.Fatal(err)
	}
	return group, gw
}

const narrow = "fs:read=TOP/r,fs:write=TOP/w,exec=/usr/bin/env"

func TestRulesAreKept(t *testing.T) {
	_, gw := narrowed(t, narrow)
	for _, tt := range []struct {
		source string
		want   bool // it is allowed
	}{
		{`return fs.read("r/f")`, true},
		{`return fs.read("w/f")`, false},
		{`return fs.read("x/f")`, false},
		{`return fs.read("r/away/f")`, false},
		{`return fs.read("r/../x/f")`, false},
		{`return fs.lines("r/f")`, true},
		{`return fs.lines("x/f")`, false},
		{`return fs.list("r")`, true},
		{`return fs.list(".")`, false},
		{`return fs.stat("r/f")`, true},
		{`return fs.stat("x")`, false},
		{`return fs.exists("x/f")`, false},
		{`return fs.lstat("r/away")`, true},
		{`return fs.lstat("x/away")`, false},
		{`return fs.readlink("r/away")`, true},
		{`return fs.readlink("x/away")`, false},
		{`return hash.file("r/f")`, true},
		{`return hash.file("x/f")`, false},
		{`return io.open("r/f")`, true},
		{`return io.open("r/f", "r+")`, false},
		{`return io.open("x/f")`, false},
		{`return pcall(io.lines, "r/f")`, true},
		{`local ok, why = pcall(io.lines, "x/f") return ok or nil, why`, false},
		{`local ok, why = pcall(io.input, "x/f") return ok or nil, why`, false},
		{`local ok, why = pcall(io.output, "x/g") return ok or nil, why`, false},
		{`return loadfile("r/f")`, true},
		{`return loadfile("x/f")`, false},
		{`local ok, why = pcall(dofile, "x/f") return ok or nil, why`, false},
		{`return fs.walk("r")`, true},
		{`return fs.walk("x")`, false},
		{`return #fs.glob("r/*") == 2 and #fs.glob("r/away/*") == 0 and #fs.glob("*/f") == 0 and #fs.glob("x/f") == 0 or nil, "not allowed here"`, true},

		{`return fs.write("w/new", "x")`, true},
		{`return fs.write("r/new", "x")`, false},
		{`return fs.write("x/new", "x")`, false},
		{`return fs.write("w/away/new", "x")`, false},
		{`return fs.write("w/../x/new", "x")`, false},
		{`return fs.write("x/a/b", "x", {mkdir = true})`, false},
		{`return fs.append("w/f", "x")`, true},
		{`return fs.append("x/f", "x")`, false},
		{`return fs.copy("r/f", "w/copy")`, true},
		{`return fs.copy("x/f", "w/copy")`, false},
		{`return fs.copy("r/f", "x/copy")`, false},
		{`return fs.mkdir("w/dir")`, true},
		{`return fs.mkdir("x/dir")`, false},
		{`return fs.touch("w/t")`, true},
		{`return fs.touch("x/f")`, false},
		{`return fs.chmod("w/f", "0600")`, true},
		{`return fs.chmod("x/f", "0600")`, false},
		{`return fs.chmod("w/away", "0700")`, false},
		{`return fs.chown("x/f", 0)`, false},
		{`return fs.chown("x/away", 0, nil, {follow = false})`, false},
		{`return fs.rename("x/f", "w/g")`, false},
		{`return fs.rename("w/f", "x/g")`, false},
		{`return fs.rename("w/f", "w/g")`, false}, // it cannot be read
		{`return os.rename("x/f", "w/g")`, false},
		{`return os.remove("x/f")`, false},
		{`return fs.symlink("../x", "w/link")`, false},
		{`return fs.symlink("/", "w/link")`, false},
		{`return fs.symlink("f", "x/link")`, false},
		{`return fs.temp()`, false},
		{`return fs.temp({dir = "w"})`, true},
		{`return fs.temp_dir({dir = "x"})`, false},
		{`return io.tmpfile()`, false},
		{`local ok, why = pcall(os.tmpname) return ok or nil, why`, false},
		{`return io.open("w/f", "w")`, true},
		{`return io.open("x/f", "a")`, false},
		{`return fs.remove("x/f")`, false},
		{`return fs.remove("x", {recursive = true})`, false},
		{`return fs.remove("w/away")`, true}, // the link
		{`return fs.remove("w/f")`, true},

		{`return process.run({"/usr/bin/env", "true"})`, true},
		{`return process.run({"id"})`, false},
		{`return process.shell("true")`, false},
		{`return process.start({"id"})`, false},
		{`return process.run({"/proc/self/exe"})`, false},
		{`return io.popen("true")`, false},
		{`local status, why = os.execute("true") return status ~= -1 or nil, why`, false},
		{`return process.list()`, false},
		{`return agent.listen()`, false},
		{`os.setenv("LUAGW_ALLOW", "") return fs.read("x/f")`, false},

		{`return host.os, fs.cwd(), os.getenv("HOME")`, true},
		{`return loadstring("return 1")`, true},
	} {
		got, err := gw.Call(t.Context(), "local function tell(v, why) return v ~= nil, tostring(why) end return tell((function() "+tt.source+" end)())")
		if err != nil {
			t.Errorf("%s: %v", tt.source, err)
			continue
		}
		if got[0] != tt.want || !tt.want && !strings.Contains(strings.ToLower(got[1].(string)), "not allowed here") {
			t.Errorf("%s: got %v, want allowed: %v", tt.source, got, tt.want)
		}
	}
}

func TestNoRulesAllowAll(t *testing.T) {
	_, gw := narrowed(t, "")
	if got, err := gw.Call(t.Context(), `return fs.read("x/f")`); err != nil || got[0] != "return 'x'" {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestRulesReachFurther goes through an agent with rules to other agents.
func TestRulesReachFurther(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{"a copy", "popen//via=narrow", "not allowed here: it needs fs:read="},
		{"a copy with other rules", "popen//via=narrow//env:LUAGW_ALLOW=", "not allowed here: it needs fs:read="},
		{"another program", "exec=/bin/cat//via=narrow", "not allowed here: it needs exec="},
		{"another agent", "popen:/bin/cat//via=narrow", "not allowed here: it needs exec="},
		{"a host", "tcp:127.0.0.1:9//via=narrow//token=" + strings.Repeat("0", 64), "not allowed here: it needs net=dial"},
		{"a socket", "unix:/run/s//via=narrow", "not allowed here: it needs net=dial"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			group, _ := narrowed(t, narrow)
			gw, err := group.Open(t.Context(), tt.spec)
			said := ""
			if err != nil {
				said = err.Error()
			} else if got, err := gw.Call(t.Context(), `return fs.read("/etc/passwd")`); err == nil && len(got) == 2 {
				said, _ = got[1].(string)
			}
			if !strings.Contains(said, tt.want) {
				t.Errorf("got %q, want %q", said, tt.want)
			}
		})
	}
}

// TestListenersKeepTheRules has an agent with rules start a copy.
func TestListenersKeepTheRules(t *testing.T) {
	group, gw := narrowed(t, "net=listen")
	ch, err := gw.RemoteExec(t.Context(), `
		os.setenv("LUAGW_ALLOW", "")
		channel:send(assert(agent.listen()).spec)
		channel:waitclose()`)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := luagw.ReceiveAs[string](t.Context(), ch)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := group.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	got, err := inner.Call(t.Context(), `return fs.read("/etc/passwd")`)
	if err != nil || got[0] != nil {
		t.Errorf("got %v, %v; want that it is not allowed", got, err)
	}
}

// TestCopiesLoadNothingElse has an agent with rules start copies, which keep the
// rules only if the loader puts no library of a fragment's into them.
func TestCopiesLoadNothingElse(t *testing.T) {
	group, gw := narrowed(t, "net=listen")
	ch, err := gw.RemoteExec(t.Context(), `
		os.setenv("LD_PRELOAD", "/nowhere/evil.so")
		os.setenv("DYLD_INSERT_LIBRARIES", "/nowhere/evil.so")
		os.setenv("KEPT", "yes")
		channel:send(assert(agent.listen()).spec)
		channel:waitclose()`)
	if err != nil {
		t.Fatal(err)
	}
	listens, err := luagw.ReceiveAs[string](t.Context(), ch)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{listens, "popen//via=narrow"} {
		inner, err := group.Open(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		got, err := inner.Call(t.Context(), `return os.getenv("LD_PRELOAD") == nil and os.getenv("DYLD_INSERT_LIBRARIES") == nil, os.getenv("KEPT")`)
		if err != nil || got[0] != true || got[1] != "yes" {
			t.Errorf("%s: got %v, %v; want that the copy has neither, and the others", spec, got, err)
		}
	}
}

func TestBadRulesRefuseTheAgent(t *testing.T) {
	t.Setenv(allow.Var, "fs:red=/etc")
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	_, err := group.Open(t.Context(), "popen")
	if err == nil || !strings.Contains(err.Error(), `the agent refuses: $LUAGW_ALLOW: rule "fs:red=/etc"`) {
		t.Errorf("got %v, want that the agent refuses", err)
	}
}
