package std

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// newIOSandbox is a sandbox with our io and os, in a directory of its own.
func newIOSandbox(t *testing.T) *sandbox {
	t.Helper()
	t.Chdir(t.TempDir())
	box := newSandbox(t)
	for _, lib := range []Library{IOLibrary(), OSLibrary()} {
		box.SetGlobal(lib.Name, lib.Open(box.LState))
	}
	return box
}

func runIOTests(t *testing.T, tests []evalTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := newIOSandbox(t).eval(tt.source)
			got = strings.TrimPrefix(got, "error: <string>:1: ")
			if prefix, cut := strings.CutSuffix(tt.want, "..."); cut && strings.HasPrefix(got, prefix) {
				return
			}
			if got != tt.want {
				t.Errorf("%s\n got %q\nwant %q", tt.source, got, tt.want)
			}
		})
	}
}

// made makes the file x of a text, and opens it as f.
func made(text, mode string) string {
	return `local f = io.open("x", "wb") f:write(` + text + `) f:close() f = io.open("x", "` + mode + `") `
}

func TestIORead(t *testing.T) {
	const numbers = `" 123.4	-56e-2  not a number\nsecond\nthird\n\nrest\n"`
	runIOTests(t, []evalTest{
		{"line", made(`"a\r\nb"`, "r") + `return #f:read(), f:read("*l"), f:read()`, "2 b nil"},
		{"all", made(`"a\nb\n"`, "r") + `return #f:read("*a"), #f:read("*all"), f:read(0)`, "4 0 nil"},
		{"count", made(`"abcde"`, "r") + `return f:read(2, 0, 9, 9)`, "ab  cde nil"},
		{"count of nothing", made(`""`, "r") + `return f:read(0)`, "nil"},
		{"any bytes", made(`"a\0\255\0\nb"`, "rb") + `return #f:read(), f:read()`, "4 b"},
		{"several", made(numbers, "r") + `return f:read(1, "*n", "*n", "*l", "*l", "*l", "*a", 10)`,
			"  123.4 -0.56   not a number second third \nrest\n nil"},
		{"stops at the first that is missing", made(`"1 x"`, "r") + `return select("#", f:read("*n", "*n", "*l"))`, "2"},
		{"numbers", made(`"0x1F +.5 5. 1e3 0 007 1e999 -3450\n"`, "r") +
			`return f:read("*n","*n","*n","*n","*n","*n","*n","*n","*n")`, "31 0.5 5 1000 0 7 +Inf -3450 nil"},
		{"no number", made(`"end"`, "r") + `return f:read("*n"), f:read()`, "nil end"},
		{"half a number", made(`"1e+ x"`, "r") + `return f:read("*n"), f:read()`, "nil  x"},
		{"number without end", made(`("1"):rep(1000)`, "r") + `return f:read("*n") > 1e100, #f:read()`, "true 800"},
		{"long line", made(`("x"):rep(100000), "\n", "y"`, "r") + `return #f:read(), f:read()`, "100000 y"},
		{"large count", made(`("x"):rep(100000)`, "r") + `return #f:read(70000), #f:read(1e15)`, "70000 30000"},
		{"grown since", made(`"a"`, "r") + `local a, b = f:read(), f:read() local g = io.open("x", "a") g:write("c") g:close() return a, b, f:read()`, "a nil c"},
		{"format without star", made(`""`, "r") + `f:read("a")`, `bad argument #2 to read (invalid format "a" (must be a number, "*n", "*l" or "*a"))`},
		{"negative count", made(`""`, "r") + `f:read(-1)`, "bad argument #2 to read (cannot read -1 bytes)"},
		{"open for writing", made(`""`, "w") + `return f:read()`, "nil Bad file descriptor 9"},
		{"directory", `return io.open("."):read()`, "nil Is a directory 21"},
		{"closed", made(`""`, "r") + `f:close() f:read()`, "attempt to use a closed file"},
		{"with a dot", made(`""`, "r") + `f.read("x")`, "bad argument #1 to read (file expected, got string..."},
	})
}

func TestIOLines(t *testing.T) {
	runIOTests(t, []evalTest{
		{"of a path", made(`"a\n\nb"`, "r") + `local s = "" for l in io.lines("x") do s = s .. "<" .. l .. ">" end return s`, "<a><><b>"},
		{"closes at the end", made(`"a\n"`, "r") + `local n = io.lines("x") n() n() n()`, "file is already closed"},
		{"of a file", made(`"a\nb\n"`, "r") + `local n = f:lines() return n(), n(), n(), io.type(f)`, "a b nil file"},
		{"of the default", made(`"a\n"`, "r") + `io.input(f) local s for l in io.lines() do s = l end return s, io.type(f)`, "a file"},
		{"closed meanwhile", made(`"a\n"`, "r") + `local n = f:lines() f:close() n()`, "file is already closed"},
		{"no such file", `io.lines("none")`, "bad argument #1 to lines (none: No such file or directory)"},
		{"not readable", made(`""`, "w") + `f:lines()()`, "Bad file descriptor"},
	})
}

func TestIOWrite(t *testing.T) {
	const back = ` f:close() return io.open("x"):read("*a")`
	runIOTests(t, []evalTest{
		{"strings and numbers", made(`"a", 1, 2.5, "b"`, "r") + `return f:read("*a")`, "a12.5b"},
		{"returns true", `return io.open("x", "w"):write("a")`, "true"},
		{"truncates", made(`"abc"`, "w") + `f:write("x")` + back, "x"},
		{"appends", made(`"abc"`, "a") + `f:write("x")` + back, "abcx"},
		{"updates", made(`"abc"`, "r+") + `f:write("x")` + back, "xbc"},
		{"b in either place", made(`"abc"`, "r+b") + `f:close() f = io.open("x", "rb+") f:write("x")` + back, "xbc"},
		{"anew, to read too", made(`"abc"`, "w+") + `f:write("x") f:seek("set") return f:read("*a")`, "x"},
		{"appends, reads too", made(`"abc"`, "a+") + `local a = f:read(1) f:write("x") f:seek("set") return a, f:read("*a")`, "a abcx"},
		{"after reading", made(`"abcdef"`, "r+") + `f:read(2) f:write("X") local d = f:read(1) f:write("Y") f:seek("set") return d, f:read("*a")`, "d abXdYf"},
		{"nil", made(`""`, "w") + `f:write("a", nil)`, "bad argument #3 to write (string or number expected, got nil)"},
		{"open for reading", made(`""`, "r") + `return f:write("x")`, "nil Bad file descriptor 9"},
	})
}

func TestIOSeek(t *testing.T) {
	runIOTests(t, []evalTest{
		{"while reading", made(`"abcdef"`, "r") + `f:read(2) return f:seek(), f:seek("cur", 1), f:read(1), f:seek("end"), f:seek("set", 1), f:read(1)`, "2 3 d 6 1 b"},
		{"while writing", made(`""`, "w") + `f:write("abcdef") return f:seek(), f:seek("cur", -3), f:write("X"), f:seek("end")`, "6 3 true 6"},
		{"before the start", made(`""`, "r") + `return f:seek("set", -1)`, "nil Invalid argument 22"},
		{"stdin", `return io.stdin:seek()`, "nil Illegal seek 29"},
		{"whence", made(`""`, "r") + `f:seek("begin")`, `bad argument #2 to seek (invalid option "begin" (must be "set", "cur" or "end"))`},
	})
}

func TestIOBuffering(t *testing.T) {
	const both = `local f, r = io.open("x", "w"), io.open("x") local function seen() r:seek("set") return r:read("*a") end `
	runIOTests(t, []evalTest{
		{"full by default", both + `f:write("x\n") local a = seen() f:close() return #a, seen()`, "0 x\n"},
		{"full with a size", both + `f:setvbuf("full", 4) f:write("abc") local a = seen() f:write("de") return #a, seen()`, "0 abcd"},
		{"none", both + `f:setvbuf("no") f:write("x") return seen()`, "x"},
		{"lines", both + `f:setvbuf("line") f:write("x") local a = seen() f:write("y\n") return #a, seen()`, "0 xy\n"},
		{"flush", both + `f:write("x") return f:flush(), seen()`, "true x"},
		{"flush of the default", both + `io.output(f) io.write("x") return io.flush(), seen()`, "true x"},
		{"mode", both + `f:setvbuf("some")`, `bad argument #2 to setvbuf (invalid option "some" (must be "no", "full" or "line"))`},
	})
}

func TestIOOpen(t *testing.T) {
	runIOTests(t, []evalTest{
		{"no such file", `return io.open("none")`, "nil none: No such file or directory 2"},
		{"nil for the mode", made(`"a"`, "r") + `return io.open("x", nil):read()`, "a"},
		{"mode", `io.open("x", "rw")`, `bad argument #2 to open (invalid mode "rw" (must be r, w or a, then + to read and write))`},
		{"type", made(`""`, "r") + `local g = io.open("x") g:close() return io.type(f), io.type(g), io.type(1)`, "file closed file nil"},
		{"type of nothing", `io.type()`, "bad argument #1 to type (value expected)"},
		{"tostring", made(`""`, "r") + `local s = tostring(f) f:close() return s:match("^file %(0x%x+%)$") ~= nil, f`, "true file (closed)"},
		{"close", made(`""`, "r") + `return f:close(), pcall(f.close, f)`, "true false <string>:1: attempt to use a closed file"},
		{"metatable", `local m = getmetatable(io.stdout) return m.__index == m, m == getmetatable(io.tmpfile())`, "true true"},
		{"tmpfile", `local f = io.tmpfile() f:write("abc") f:seek("set") return f:read("*a")`, "abc"},
	})
}

func TestIODefaults(t *testing.T) {
	runIOTests(t, []evalTest{
		{"at first", `return io.input() == io.stdin, io.output() == io.stdout`, "true true"},
		{"output by name", `local f = io.output("x") io.write("a", 1) io.close() return io.type(f), io.open("x"):read()`, "closed file a1"},
		{"output by name truncates", made(`"abc"`, "r") + `io.output("x") io.close() return f:read()`, "nil"},
		{"input by name", made(`"abc"`, "r") + `io.input("x") return io.read(1), io.input():read(1)`, "a b"},
		{"input by file", made(`"abc"`, "r") + `return io.input(f) == f, io.read()`, "true abc"},
		{"closed input", made(`""`, "r") + `io.input(f) f:close() io.read()`, "standard input file is closed"},
		{"closed output", `io.output("x") io.close() io.write("x")`, "standard output file is closed"},
		{"close of a file", made(`""`, "r") + `return io.close(f), io.type(f)`, "true closed file"},
		{"no such input", `io.input("none")`, "bad argument #1 to input (none: No such file or directory)"},
		{"no file", `io.input({})`, "bad argument #1 to input (file expected, got table..."},
	})
}

func TestIOStandardStreams(t *testing.T) {
	runIOTests(t, []evalTest{
		{"input is at its end", `return io.read("*a", 1)`, " nil"},
		{"input has no lines", `for l in io.lines() do return l end return "none"`, "none"},
		{"input cannot be written", `return io.stdin:write("x")`, "nil Bad file descriptor 9"},
		{"output cannot be read", `return io.stdout:read()`, "nil Bad file descriptor 9"},
		{"output cannot be closed", `local a, b = io.stdout:close() return a, b, io.close()`, "nil cannot close standard file nil cannot close standard file"},
	})
	box := newIOSandbox(t)
	got := box.eval(`io.stdout:setvbuf("full") return io.write("a", 1, "\n"), io.stdout:write("b"), io.stderr:write("c\n"), io.flush()`)
	if want := "true true true true"; got != want {
		t.Errorf("writing: got %s, want %s", got, want)
	}
	if got, want := box.output.String(), "a1\nbc\n"; got != want {
		t.Errorf("output: got %q, want %q", got, want)
	}
}

func TestIOPopen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are those of a POSIX shell")
	}
	runIOTests(t, []evalTest{
		{"read", `local p = io.popen("echo a; echo b") return p:read(), p:read("*a"), p:close()`, "a b\n true exit 0"},
		{"lines", `local s = "" for l in io.popen("echo a; echo b", "r"):lines() do s = s .. l end return s`, "ab"},
		{"nil for the mode", `return io.popen("echo a", nil):read()`, "a"},
		{"status", `return io.popen("exit 3"):close()`, "true exit 3"},
		{"write", `local p = io.popen("cat > x", "w") p:write("a", "b") p:close() return io.open("x"):read()`, "ab"},
		{"read what is written to", `return io.popen("cat", "w"):read()`, "nil Bad file descriptor 9"},
		{"seek", `return io.popen("echo"):seek()`, "nil Illegal seek 29"},
		{"type", `local p = io.popen("true") local a = io.type(p) p:close() return a, io.type(p), p`, "file closed file file (closed)"},
		{"mode", `io.popen("true", "rw")`, `bad argument #2 to popen (invalid mode "rw" (must be "r" or "w"))`},
	})
}

func TestIOEnd(t *testing.T) {
	box := newIOSandbox(t)
	if got := box.eval(`f = io.open("x", "w") f:write("abc") io.output("y") io.write("def")`); got != "" {
		t.Fatal(got)
	}
	Of(box.LState).End()
	for name, want := range map[string]string{"x": "abc", "y": "def"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	if got := box.eval(`return io.type(f)`); got != "closed file" {
		t.Errorf("type after the end: got %s, want closed file", got)
	}
}

func TestIOEndOfCommands(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are those of a POSIX shell")
	}
	box := newIOSandbox(t)
	if got := box.eval(`io.popen("cat > x", "w"):write("abc") io.popen("sleep 1000", "w"):write(("x"):rep(7e4))`); got != "" {
		t.Fatal(got)
	}
	Of(box.LState).End()
	if got, err := os.ReadFile("x"); err != nil || string(got) != "abc" {
		t.Errorf("what cat was given: got %q, %v, want abc", got, err)
	}
}

func TestIOCollects(t *testing.T) {
	box := newIOSandbox(t)
	if err := os.WriteFile("x", []byte("a\nb\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := box.eval(`io.open("y", "w"):write("abc") for i = 1, 9 do for l in io.lines("x") do if l then break end end end`); got != "" {
		t.Fatal(got)
	}
	box.eval(`local function clear(n) local a, b, c, d, e, f, g, h if n > 0 then clear(n - 1) end end clear(20)`)
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		runtime.GC()
		if got, _ := os.ReadFile("y"); string(got) == "abc" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a file that was lost hold of was not closed")
		}
	}
}
