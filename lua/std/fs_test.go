//go:build unix

package std

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	glua "github.com/yuin/gopher-lua"
)

func TestFSReadWrite(t *testing.T) {
	runFS(t, []evalTest{
		{"bytes", `local s = {}; for i = 0, 255 do s[#s+1] = string.char(i) end; s = table.concat(s)
			fs.write(dir .. "/f", s); return fs.read(dir .. "/f") == s, fs.stat(dir .. "/f").size`, "true 256"},
		{"empty", `fs.write(dir .. "/f", ""); return #fs.read(dir .. "/f")`, "0"},
		{"not there", `return fs.read("/no/where")`, "nil open /no/where: no such file or directory"},
		{"directory", `return fs.read(dir)`, "nil read ..."},
		{"max", `fs.write(dir .. "/f", "12345"); return fs.read(dir .. "/f", {max = 5}), fs.read(dir .. "/f", {max = 4})`, "...larger than 4 bytes (max)"},
		{"max of a device", `return fs.read("/dev/zero", {max = 100})`, `nil read "/dev/zero": larger than 100 bytes (max)`},
		{"append", `fs.append(dir .. "/f", "a"); fs.append(dir .. "/f", "b"); return fs.read(dir .. "/f")`, "ab"},
		{"append makes directories", `return fs.append(dir .. "/x/y/f", "a", {mkdir = true})`, "true"},
		{"mode", `fs.write(dir .. "/f", "", {mode = "0640"}); return fs.stat(dir .. "/f").perm`, "0640"},
		{"mode of stat", `fs.write(dir .. "/a", "", {mode = "0751"}); fs.write(dir .. "/b", "", {mode = fs.stat(dir .. "/a").mode}); return fs.stat(dir .. "/b").perm`, "0751"},
		{"mode in place", `fs.write(dir .. "/f", "", {mode = "0640", atomic = false}); return fs.stat(dir .. "/f").perm`, "0640"},
		{"mode kept", `fs.write(dir .. "/f", "", {mode = "0600"}); fs.write(dir .. "/f", "x"); return fs.stat(dir .. "/f").perm`, "0600"},
		{"mode as decimal", `fs.write(dir .. "/f", "", {mode = 0644})`, `...mode 644 is octal 1204; write it as a string, "0644")`},
		{"mode as word", `fs.write(dir .. "/f", "", {mode = "u+x"})`, `...mode "u+x": octal digits expected, as "0644")`},
		{"no directory", `return fs.write(dir .. "/x/f", "")`, "...no such file or directory"},
		{"mkdir", `return fs.write(dir .. "/x/y/f", "", {mkdir = true})`, "true"},
		{"onto a directory", `return fs.write(dir, "")`, "...: is a directory"},
		{"sync", `return fs.write(dir .. "/f", "x", {sync = true}), fs.write(dir .. "/f", "x", {sync = true, atomic = false})`, "true true"},
		{"nothing else is left", `fs.write(dir .. "/f", "a"); fs.write(dir .. "/f", "b"); return #fs.list(dir)`, "1"},
		{"new inode", `fs.write(dir .. "/f", "a"); local i = fs.stat(dir .. "/f").inode; fs.append(dir .. "/f", "b")
			local same = fs.stat(dir .. "/f").inode == i; fs.write(dir .. "/f", "b", {atomic = false})
			return same, fs.stat(dir .. "/f").inode == i`, "true true"},
		{"through a link", `fs.mkdir(dir .. "/d"); fs.write(dir .. "/d/f", "a", {mode = "0604"}); fs.symlink("d/f", dir .. "/l1"); fs.symlink(dir .. "/l1", dir .. "/l2")
			fs.write(dir .. "/l2", "b")
			return fs.lstat(dir .. "/l2").type, fs.lstat(dir .. "/l1").type, fs.read(dir .. "/d/f"), fs.stat(dir .. "/d/f").perm, #fs.list(dir)`, "symlink symlink b 0604 3"},
		{"through a dangling link", `fs.symlink("f", dir .. "/l"); fs.write(dir .. "/l", "x"); return fs.read(dir .. "/f"), fs.readlink(dir .. "/l")`, "x f"},
		{"through a circle", `fs.symlink("b", dir .. "/a"); fs.symlink("a", dir .. "/b"); return fs.write(dir .. "/a", "x")`, "...too many levels of symbolic links"},
		{"to a device", `local ok = fs.write("/dev/null", "x"); return ok, fs.stat("/dev/null").type`, "true char"},
		{"unknown option", `fs.write(dir .. "/f", "", {attomic = false})`, `...unknown option "attomic" (did you mean "atomic"?))`},
		{"no path", `fs.read()`, "...string expected, got nil)"},
	})
}

// TestFSWriteFails looks for what an atomic write leaves when it cannot do it.
func TestFSWriteFails(t *testing.T) {
	box := newFSBox(t)
	dir := box.GetGlobal("dir").String()
	target := filepath.Join(dir, "f")
	if err := os.WriteFile(target, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := &brokenReader{err: errors.New("torn")}
	if err := (writing{atomic: true}).write(t.Context(), target, broken); err == nil || err.Error() != "torn" {
		t.Errorf("write: got %v, want torn", err)
	}
	if data, _ := os.ReadFile(target); string(data) != "old" {
		t.Errorf("content: got %q, want %q", data, "old")
	}
	box.cancel(errors.New("enough"))
	if got := box.eval(`fs.write(dir .. "/f", "new")`); !strings.HasPrefix(got, "error: ") {
		t.Errorf("cancelled: got %q, want an error", got)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("entries: got %v, want one", entries)
	}
}

// brokenReader gives some bytes, then fails.
type brokenReader struct {
	done bool
	err  error
}

func (r *brokenReader) Read(p []byte) (int, error) {
	if r.done {
		return 0, r.err
	}
	r.done = true
	return copy(p, "half"), nil
}

func TestFSWriteKeepsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	newFSBox(t).expect(t, `local f = dir .. "/f"
		fs.write(f, "a"); assert(fs.chown(f, "nobody", 12345)); fs.chmod(f, "04755")
		fs.write(f, "b")
		local s = fs.stat(f)
		return s.user, s.gid, s.perm`, "nobody 12345 4755")
}

func TestFSCancelBlocked(t *testing.T) {
	tests := []struct{ name, source string }{
		{"open to read", `fs.read(dir .. "/fifo")`},
		{"open to write", `fs.write(dir .. "/fifo", "x")`},
		{"open to append", `fs.append(dir .. "/fifo", "x")`},
		{"lines", `fs.lines(dir .. "/fifo")`},
		{"copy", `fs.copy(dir .. "/fifo", dir .. "/f")`},
		{"endless", `fs.read("/dev/zero")`},
		{"endless copy", `fs.copy("/dev/zero", "/dev/null")`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box := newFSBox(t)
			if err := syscall.Mkfifo(filepath.Join(box.GetGlobal("dir").String(), "fifo"), 0o600); err != nil {
				t.Fatal(err)
			}
			ended := make(chan string, 1)
			go func() { ended <- box.eval(tt.source) }()
			box.cancel(errors.New("enough"))
			select {
			case got := <-ended:
				if !strings.HasPrefix(got, "error: ") {
					t.Errorf("got %q, want an error", got)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("got no end, want one soon after cancel")
			}
		})
	}
}

// TestFSCancelRead cancels a read of a pipe which somebody holds open.
func TestFSCancelRead(t *testing.T) {
	box := newFSBox(t)
	fifo := filepath.Join(box.GetGlobal("dir").String(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan string, 1)
	go func() { ended <- box.eval(`fs.read(dir .. "/fifo")`) }()
	writer, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	box.cancel(errors.New("enough"))
	if got := <-ended; !strings.HasPrefix(got, "error: ") {
		t.Errorf("got %q, want an error", got)
	}
}

func TestFSStat(t *testing.T) {
	runFS(t, []evalTest{
		{"file", `fs.write(dir .. "/f", "abc", {mode = "0644"}); local s = fs.stat(dir .. "/f")
			return s.name, s.size, s.perm, s.mode, s.type, s.nlink, s.target`, "f 3 0644 420 file 1 nil"},
		{"time", `fs.touch(dir .. "/f", {mtime = 1234567890.5}); return string.format("%.1f", fs.stat(dir .. "/f").mtime)`, "1234567890.5"},
		{"directory", `return fs.stat(dir).type`, "dir"},
		{"root", `local s = fs.stat("/"); return s.name, s.user, s.group, s.uid, s.gid`, "/ root root 0 0"},
		{"sticky", `return fs.stat("/tmp").perm`, "1777"},
		{"device", `return fs.stat("/dev/null").type`, "char"},
		{"link", `fs.symlink("/etc/passwd", dir .. "/l"); local s = fs.lstat(dir .. "/l"); return s.type, s.target, fs.stat(dir .. "/l").type`, "symlink /etc/passwd file"},
		{"not there", `return fs.stat("/no/where")`, "nil stat /no/where: no such file or directory"},
		{"exists", `return fs.exists("/etc/passwd"), fs.exists("/no"), fs.exists("/etc/passwd/x")`, "true false false"},
		{"dangling link", `fs.symlink("/no", dir .. "/l"); return fs.exists(dir .. "/l")`, "false"},
	})
}

func TestFSTree(t *testing.T) {
	runFS(t, []evalTest{
		{"list", `for _, n in ipairs{"b", "a", ".c"} do fs.write(dir .. "/" .. n, "") end; return table.concat(fs.list(dir), " ")`, ".c a b"},
		{"list not there", `return fs.list("/no/where")`, "nil open /no/where: no such file or directory"},
		{"mkdir", `return fs.mkdir(dir .. "/a"), fs.stat(dir .. "/a").type`, "true dir"},
		{"mkdir again", `fs.mkdir(dir .. "/a"); return fs.mkdir(dir .. "/a")`, "...file exists"},
		{"mkdir parents", `return fs.mkdir(dir .. "/a/b", {parents = true}), fs.mkdir(dir .. "/a/b", {parents = true})`, "true true"},
		{"mkdir mode", `fs.mkdir(dir .. "/a", {mode = "01777"}); return fs.stat(dir .. "/a").perm`, "1777"},
		{"mkdir leaves the mode of what is there", `fs.mkdir(dir .. "/a", {mode = "0700"}); fs.mkdir(dir .. "/a", {parents = true, mode = "0777"}); return fs.stat(dir .. "/a").perm`, "0700"},
		{"remove", `fs.write(dir .. "/f", ""); local ok, was = fs.remove(dir .. "/f"); return ok, was, fs.exists(dir .. "/f"), fs.remove(dir .. "/f")`, "true true false true false"},
		{"remove full directory", `fs.write(dir .. "/d/f", "", {mkdir = true}); return fs.remove(dir .. "/d")`, "...directory not empty"},
		{"remove tree", `fs.write(dir .. "/d/e/f", "", {mkdir = true}); fs.write(dir .. "/d/g", ""); fs.remove(dir .. "/d/", {recursive = true}); return #fs.list(dir)`, "0"},
		{"remove spares what links lead to", `fs.write(dir .. "/keep/f", "", {mkdir = true}); fs.mkdir(dir .. "/d"); fs.symlink("../keep", dir .. "/d/l"); fs.symlink("keep", dir .. "/l")
			fs.remove(dir .. "/d", {recursive = true}); fs.remove(dir .. "/l/", {recursive = true})
			return table.concat(fs.list(dir), " "), #fs.list(dir .. "/keep")`, "keep 1"},
		{"remove nothing", `fs.remove("")`, "...path is empty)"},
		{"remove root", `fs.remove("/", {recursive = true})`, "...refusing to remove the root directory)"},
		{"remove root in disguise", `fs.remove("//tmp/.././", {recursive = true})`, "...refusing to remove the root directory)"},
		{"remove root from far below", `fs.remove(string.rep("../", 50) .. "x/..", {recursive = true})`, "...refusing to remove the working directory or one above it)"},
		{"remove here", `fs.remove(".", {recursive = true})`, "...refusing to remove the working directory..."},
		{"rename", `fs.write(dir .. "/a", "x"); return fs.rename(dir .. "/a", dir .. "/b"), fs.read(dir .. "/b"), fs.exists(dir .. "/a")`, "true x false"},
		{"copy", `fs.write(dir .. "/a", "x", {mode = "0750"}); return fs.copy(dir .. "/a", dir .. "/b"), fs.read(dir .. "/b"), fs.stat(dir .. "/b").perm`, "true x 0750"},
		{"copy mode", `fs.write(dir .. "/a", "x"); fs.copy(dir .. "/a", dir .. "/b", {mode = "0600"}); return fs.stat(dir .. "/b").perm`, "0600"},
		{"copy onto itself", `fs.write(dir .. "/a", "x"); fs.symlink("a", dir .. "/l"); local ok, why = fs.copy(dir .. "/a", dir .. "/l"); return ok, fs.read(dir .. "/a"), why`, "nil x copy..."},
		{"copy directory", `return fs.copy(dir, dir .. "/b")`, "...: is a directory"},
		{"copy nothing", `return fs.copy("/no/where", dir .. "/b")`, "nil open /no/where: no such file or directory"},
		{"readlink of a file", `return fs.readlink("/etc/passwd")`, "nil readlink /etc/passwd: invalid argument"},
		{"touch new", `fs.touch(dir .. "/f", {mode = "0600"}); local s = fs.stat(dir .. "/f"); return s.size, s.perm`, "0 0600"},
		{"touch old", `fs.write(dir .. "/f", "x"); fs.touch(dir .. "/f", {mtime = 1000}); return fs.read(dir .. "/f"), fs.stat(dir .. "/f").mtime`, "x 1000"},
		{"touch directory", `return fs.touch(dir, {mtime = 1000}), fs.stat(dir).mtime`, "true 1000"},
		{"cwd", `return fs.cwd() == process.run{"pwd", "-P"}.stdout:sub(1, -2)`, "true"},
	})
}

func TestFSChmod(t *testing.T) {
	tests := []struct{ name, old, change, want string }{
		{"octal", "0644", `"0755"`, "0755"},
		{"short octal", "0644", `"7"`, "0007"},
		{"special bits", "0644", `"6755"`, "6755"},
		{"number", "0644", `493`, "0755"},
		{"add", "0644", `"u+x"`, "0744"},
		{"take", "0777", `"go-w"`, "0755"},
		{"set", "0777", `"u=rw,go=r"`, "0644"},
		{"set nothing", "0777", `"o="`, "0770"},
		{"everybody", "0600", `"a+r"`, "0644"},
		{"nobody named", "0600", `"+x"`, "0711"},
		{"two in one", "0640", `"g+w-r"`, "0620"},
		{"X on a file without x", "0644", `"a+X"`, "0644"},
		{"X on a file with x", "0744", `"a+X"`, "0755"},
		{"setuid", "0755", `"u+s"`, "4755"},
		{"setgid", "0755", `"g+s"`, "2755"},
		{"sticky", "0755", `"+t"`, "1755"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			newFSBox(t).expect(t, `local f = dir .. "/f"
				fs.write(f, "", {mode = "`+tt.old+`"})
				assert(fs.chmod(f, `+tt.change+`))
				return fs.stat(f).perm`, tt.want)
		})
	}
	runFS(t, []evalTest{
		{"nonsense", `fs.chmod(dir, "u+q")`, `...mode "u+q": "u+q": unknown permission "q")`},
		{"no operator", `fs.chmod(dir, "abc")`, `...one of + - = expected...`},
		{"too large", `fs.chmod(dir, 5000)`, "...mode 5000 is out of range)"},
		{"fraction", `fs.chmod(dir, 0.5)`, "...mode 0.5 is out of range)"},
		{"nil", `fs.chmod(dir)`, `...mode expected, as "0644", got nil)`},
		{"not there", `return fs.chmod("/no/where", "0644")`, "nil stat /no/where: no such file or directory"},
	})
}

func TestFSChown(t *testing.T) {
	runFS(t, []evalTest{
		{"unknown user", `return fs.chown(dir, "no-such-user")`, `nil no user "no-such-user"`},
		{"unknown group", `return fs.chown(dir, nil, "no-such-group")`, `nil no group "no-such-group"`},
		{"neither", `fs.chown(dir)`, "...user or group expected)"},
		{"bad id", `fs.chown(dir, -1)`, "...id -1 is out of range)"},
	})
	if os.Geteuid() != 0 {
		return
	}
	runFS(t, []evalTest{
		{"names", `fs.chown(dir, "nobody", "daemon"); local s = fs.stat(dir); return s.user, s.group`, "nobody daemon"},
		{"ids", `fs.chown(dir, 12345, 54321); local s = fs.stat(dir); return s.uid, s.gid, s.user`, "12345 54321 nil"},
		{"user only", `fs.chown(dir, "nobody"); local s = fs.stat(dir); return s.user, s.gid`, "nobody 0"},
		{"link", `fs.symlink("/etc/passwd", dir .. "/l"); fs.chown(dir .. "/l", 12345, nil, {follow = false}); return fs.lstat(dir .. "/l").uid, fs.stat(dir .. "/l").uid`, "12345 0"},
	})
}

func TestFSLines(t *testing.T) {
	runFS(t, []evalTest{
		{"lines", `fs.write(dir .. "/f", "a\n\nb\r\nc"); local got = {}; for line in fs.lines(dir .. "/f") do got[#got+1] = "<" .. line .. ">" end; return table.concat(got)`, "<a><><b><c>"},
		{"empty", `fs.write(dir .. "/f", ""); for line in fs.lines(dir .. "/f") do return line end; return "none"`, "none"},
		{"past the end", `fs.write(dir .. "/f", "a"); local n = fs.lines(dir .. "/f"); n(); n(); return n()`, "nil"},
		{"not there", `return fs.lines("/no/where")`, "nil open /no/where: no such file or directory"},
		{"directory", `return fs.lines(dir)`, "nil read..."},
		{"long", `fs.write(dir .. "/f", string.rep("x", 3e6) .. "\ny"); local n = fs.lines(dir .. "/f"); return #n(), n()`, "3000000 y"},
		{"too long", `fs.write(dir .. "/f", string.rep("x", 101)); return fs.lines(dir .. "/f", {max = 100})()`, "...line larger than 100 bytes (max)"},
		{"just fits", `fs.write(dir .. "/f", string.rep("x", 100)); return #fs.lines(dir .. "/f", {max = 100})()`, "100"},
	})
}

func TestFSWalk(t *testing.T) {
	const tree = `for _, f in ipairs{"/b/f", "/b/c/g", "/a", "/.git/x"} do fs.write(dir .. f, "", {mkdir = true}) end
		fs.symlink("b", dir .. "/link")
		local function walk(opts)
			local got = {}
			for p, stat, err in fs.walk(dir, opts) do got[#got+1] = p:sub(#dir + 1) .. (stat and ":" .. stat.type:sub(1, 1) or "!" .. err) end
			return table.concat(got, " ")
		end `
	runFS(t, []evalTest{
		{"order", tree + `return walk()`, ":d /.git:d /.git/x:f /a:f /b:d /b/c:d /b/c/g:f /b/f:f /link:s"},
		{"depth", tree + `return walk{depth = 1}`, ":d /.git:d /a:f /b:d /link:s"},
		{"depth 0", tree + `return walk{depth = 0}`, ":d"},
		{"skip", tree + `return walk{skip = {".git", "c*"}}`, ":d /a:f /b:d /b/f:f /link:s"},
		{"file", `fs.write(dir .. "/f", ""); for p, s in fs.walk(dir .. "/f") do return s.name end`, "f"},
		{"not there", `for p, s, err in fs.walk("/no/where") do return p, s, err end`, "/no/where nil lstat /no/where: no such file or directory"},
		{"gone meanwhile", tree + `local n = 0; for p in fs.walk(dir) do n = n + 1; if n == 1 then fs.remove(dir .. "/b", {recursive = true}) fs.remove(dir .. "/a") end end; return n`, "4"},
		{"bad skip", `fs.walk(dir, {skip = {"["}})`, "...each must be a name or a pattern for names)"},
	})
	if os.Geteuid() == 0 {
		return // nothing is closed to root
	}
	newFSBox(t).expect(t, tree+`fs.chmod(dir .. "/b", "0"); local got = walk(); fs.chmod(dir .. "/b", "0755"); return got`, "...permission denied...")
}

func TestFSWalkCancel(t *testing.T) {
	box := newFSBox(t)
	box.SetGlobal("cancel", box.NewFunction(func(*glua.LState) int {
		box.cancel(errors.New("enough"))
		return 0
	}))
	box.expect(t, `local n = 0
		for p in fs.walk("/usr") do n = n + 1; if n == 10 then cancel() end end
		return n`, "error: ...")
}

func TestFSGlob(t *testing.T) {
	const tree = `for _, f in ipairs{"/a.conf", "/b.conf", "/.h.conf", "/d/x.conf", "/d/e/y.conf", "/d/e/z.txt", "/.hid/i.conf"} do fs.write(dir .. f, "", {mkdir = true}) end
		fs.symlink("d", dir .. "/link")
		local function glob(pattern)
			local got = {}
			for i, p in ipairs(fs.glob(dir .. pattern)) do got[i] = p:sub(#dir + 1) end
			return table.concat(got, " ")
		end `
	runFS(t, []evalTest{
		{"star", tree + `return glob("/*.conf")`, "/a.conf /b.conf"},
		{"dot", tree + `return glob("/.*.conf")`, "/.h.conf"},
		{"class", tree + `return glob("/[a].con?")`, "/a.conf"},
		{"directories", tree + `return glob("/*/*.conf")`, "/d/x.conf /link/x.conf"},
		{"any depth", tree + `return glob("/**/*.conf")`, "/a.conf /b.conf /d/e/y.conf /d/x.conf"},
		{"any depth in the middle", tree + `return glob("/d/**/y.conf")`, "/d/e/y.conf"},
		{"all", tree + `return glob("/d/**")`, "/d /d/e /d/e/y.conf /d/e/z.txt /d/x.conf"},
		{"twice", tree + `return glob("/**/**/*.txt")`, "/d/e/z.txt"},
		{"plain", tree + `return glob("/d/x.conf")`, "/d/x.conf"},
		{"none", tree + `return #fs.glob(dir .. "/*.nothing")`, "0"},
		{"malformed", `fs.glob("[")`, "...syntax error in pattern)"},
		{"relative", `return #fs.glob("fs_glob.g?")`, "1"},
	})
}

func TestFSTemp(t *testing.T) {
	box := newFSBox(t)
	dir := t.TempDir()
	box.SetGlobal("dir", glua.LString(dir))
	box.expect(t, `local f = fs.temp{dir = dir, prefix = "p-", suffix = ".s"}
		return f:sub(1, #dir + 3) == dir .. "/p-", f:sub(-2), fs.stat(f).size, fs.stat(f).perm`, "true .s 0 0600")
	box.expect(t, `local d = fs.temp_dir{dir = dir}; fs.write(d .. "/f", ""); return fs.stat(d).type, fs.stat(d).perm`, "dir 0700")
	box.expect(t, `return path.base(fs.temp{dir = dir, prefix = "kept", keep = true})`, "kept...")
	box.expect(t, `return fs.temp{dir = "/no/where"}`, "nil open /no/where/...")
	box.expect(t, `fs.temp{prefix = "a/b"}`, "...no slash and no star)")
	Of(box.LState).End()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || !strings.HasPrefix(entries[0].Name(), "kept") {
		t.Errorf("left at the end: got %v, %v, want one that is kept", entries, err)
	}
}
