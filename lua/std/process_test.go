//go:build unix

package std

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	glua "github.com/yuin/gopher-lua"
)

func TestProcessRun(t *testing.T) {
	runFS(t, []evalTest{
		{"output", `local r = process.run{"echo", "a", 1}; return r.status, r.ok, r.stdout, r.stderr, r.timed_out, r.duration > 0`, "0 true a 1\n  false true"},
		{"status", `local r = process.shell("echo bad >&2; exit 3"); return r.status, r.ok, r.signal, r.stderr`, "3 false nil bad\n"},
		{"signal", `local r = process.shell("kill -9 $$"); return r.status, r.ok, r.signal`, "137 false SIGKILL"},
		{"stdin", `return process.run({"cat"}, {stdin = "x\0\255y"}).stdout == "x\0\255y"`, "true"},
		{"stdin is empty", `return process.run({"cat"}).stdout`, ""},
		{"stdin not read", `return process.run({"true"}, {stdin = string.rep("x", 1e6)}).status`, "0"},
		{"binary", `local s = {}; for i = 0, 255 do s[#s+1] = string.char(i) end; s = table.concat(s)
			return process.run({"cat"}, {stdin = s}).stdout == s`, "true"},
		{"10 MiB", `return #process.run{"head", "-c", "10485760", "/dev/zero"}.stdout`, "10485760"},
		{"merge", `local r = process.shell("echo a; echo b >&2; echo c", {merge = true}); return r.stdout, r.stderr`, "a\nb\nc\n "},
		{"env", `return process.shell("echo $A-$B-$HOME", {env = {A = "1", B = 2, HOME = false}}).stdout`, "1-2-\n"},
		{"env sets PATH", `fs.write(dir .. "/prog", "#!/bin/sh\necho here", {mode = "0755"})
			return process.run({"prog"}, {env = {PATH = dir}}).stdout`, "here\n"},
		{"dir", `return process.run({"pwd"}, {dir = "/"}).stdout`, "/\n"},
		{"no dir", `return process.run({"pwd"}, {dir = "/nowhere"})`, "nil pwd: stat /nowhere: no such file or directory"},
		{"dir is a file", `return process.run({"pwd"}, {dir = "/etc/passwd"})`, "nil pwd: chdir /etc/passwd: not a directory"},
		{"not found", `return process.run{"no-such-program", "x y"}`, `nil no-such-program 'x y': "no-such-program": not found in PATH "...`},
		{"not executable", `return process.run{"/etc/passwd"}`, "nil /etc/passwd: start /etc/passwd: permission denied"},
		{"no interpreter", `fs.write(dir .. "/p", "#!/no/where\n", {mode = "0755"}); return process.run{dir .. "/p"}`, "...the interpreter or loader that it names is not"},
		{"max_output", `return process.run({"yes"}, {max_output = 1000})`, "nil yes: standard output exceeds 1000 bytes (max_output)"},
		{"timeout", `local r = process.run({"sleep", "300"}, {timeout = 0.05}); return r.timed_out, r.ok, r.status, r.signal`, "true false 143 SIGTERM"},
		{"timeout as text", `return process.run({"sleep", "300"}, {timeout = "50ms"}).timed_out`, "true"},
		{"timeout keeps output", `return process.shell("echo a; sleep 300", {timeout = 0.3}).stdout`, "a\n"},
		{"deaf to SIGTERM", `return process.shell("trap '' TERM; while :; do sleep 300; done", {timeout = 0.1}).signal`, "SIGKILL"},
		{"check", `return process.run({"sh", "-c", "echo why >&2; exit 4"}, {check = true})`, "...: exit status 4: why"},
		{"check timeout", `process.run({"sleep", "300"}, {check = true, timeout = 0.05})`, "...: sleep 300: timed out after 50ms"},
		{"check not found", `process.run({"no-such-program"}, {check = true})`, `...not found in PATH...`},
		{"check ok", `return process.run({"true"}, {check = true}).status`, "0"},
		{"string", `process.run("ls -l")`, "...a line for the shell goes to process.shell)"},
		{"options among words", `process.run{"ls", dir = "/"}`, `...unexpected field "dir": options go into a table of their own...`},
		{"hole", `process.run{"ls", nil, "x"}`, "...word 2 is nil)"},
		{"word is a table", `process.run{"ls", {}}`, "...word 2: string expected, got table)"},
		{"no words", `process.run{}`, "...no program named)"},
		{"unknown option", `process.run({"ls"}, {timeot = 1})`, `...unknown option "timeot" (did you mean "timeout"?))`},
		{"bad env", `process.run({"ls"}, {env = {["A=B"] = 1}})`, `..."A=B" cannot be the name of a variable)`},
		{"bad timeout", `process.run({"ls"}, {timeout = -1})`, "...-1 is no time to wait)"},
		{"output held open", `local r = process.shell("sleep 300 & echo done"); return r.stdout, r.ok, r.duration < 20`, "done\n true true"},
	})
}

func TestProcessUser(t *testing.T) {
	if os.Geteuid() != 0 {
		box := newFSBox(t)
		box.expect(t, `return process.run({"id"}, {user = "root"})`, "...only root may run commands as another user...")
		return
	}
	runFS(t, []evalTest{
		{"nobody", `return process.run({"id", "-un"}, {user = "nobody", dir = "/"}).stdout`, "nobody\n"},
		{"environment", `return process.shell("echo $USER $LOGNAME", {user = "nobody", dir = "/"}).stdout`, "nobody nobody\n"},
		{"by id", `return process.run({"id", "-u"}, {user = "65534", dir = "/"}).stdout`, "65534\n"},
		{"none such", `return process.run({"id"}, {user = "no-such-user"})`, `nil id: run as "no-such-user": no user "no-such-user"`},
		{"oneself", `return process.run({"id", "-u"}, {user = "root"}).stdout`, "0\n"},
	})
}

// awaitGone fails if the process that path names is there for much longer.
func awaitGone(t *testing.T, path string) {
	t.Helper()
	pid := readPid(t, path)
	for deadline := time.Now().Add(10 * time.Second); processRuns(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d: got alive, want gone", pid)
		}
	}
}

// processRuns reports whether a process is there and no zombie.
func processRuns(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return runtime.GOOS != "linux"
	}
	_, state, _ := parseProcessStat(string(stat))
	return state != "Z"
}

func readPid(t *testing.T, path string) int {
	t.Helper()
	var pid int
	for deadline := time.Now().Add(10 * time.Second); pid == 0; time.Sleep(5 * time.Millisecond) {
		data, _ := os.ReadFile(path)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(data)))
		if time.Now().After(deadline) {
			t.Fatalf("read %s: got no process id", path)
		}
	}
	return pid
}

func TestProcessCancel(t *testing.T) {
	tests := []struct{ name, source string }{
		{"run", `process.shell("sleep 300 & echo $! > pid; wait", {dir = dir})`},
		{"run, deaf to SIGTERM", `process.shell("trap '' TERM; sleep 300 & echo $! > pid; wait", {dir = dir})`},
		{"in the background only", `process.shell("sleep 300 & echo $! > pid; mv pid p; sleep 300", {dir = dir}) `},
		{"lines", `for line in process.lines({"sh", "-c", "sleep 300 & echo $! > pid; wait"}, {dir = dir}) do end`},
		{"wait", `process.start({"sh", "-c", "sleep 300 & echo $! > pid; wait"}, {dir = dir}):wait()`},
		{"read_line", `process.start({"sh", "-c", "sleep 300 & echo $! > pid; wait"}, {dir = dir}):read_line()`},
		{"write", `process.start({"sh", "-c", "sleep 300 & echo $! > pid; wait"}, {dir = dir, stdin = true}):write(string.rep("x", 1e6))`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			box := newFSBox(t)
			pidFile := filepath.Join(box.GetGlobal("dir").String(), "pid")
			if strings.Contains(tt.source, "mv pid p") {
				pidFile = filepath.Join(filepath.Dir(pidFile), "p")
			}
			ended := make(chan string, 1)
			go func() { ended <- box.eval(tt.source) }()
			readPid(t, pidFile)
			box.cancel(errors.New("enough"))
			select {
			case got := <-ended:
				if !strings.HasPrefix(got, "error: ") {
					t.Errorf("got %q, want an error", got)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("got no end, want one soon after cancel")
			}
			awaitGone(t, pidFile)
		})
	}
}

// TestProcessEnd looks at what a fragment leaves behind.
func TestProcessEnd(t *testing.T) {
	tests := []struct {
		name, source string
		survives     bool
	}{
		{"left by run", `process.shell("sleep 300 >/dev/null 2>&1 & echo $! > pid", {dir = dir})`, false},
		{"left by run, detached", `process.shell("sleep 300 >/dev/null 2>&1 & echo $! > pid", {dir = dir, detach = true})`, true},
		{"started", `local p = process.start{"sleep", "300"}; fs.write(dir .. "/pid", p.pid)`, false},
		{"started, detached", `local p = process.start({"sleep", "300"}, {detach = true}); fs.write(dir .. "/pid", p.pid)`, true},
		{"left by lines", `local n, p = process.lines{"sleep", "300"}; fs.write(dir .. "/pid", p.pid)`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			pidFile := filepath.Join(dir, "pid")
			t.Run("fragment", func(t *testing.T) {
				box := newFSBox(t)
				box.SetGlobal("dir", glua.LString(dir))
				if got := box.eval(tt.source); strings.HasPrefix(got, "error") {
					t.Fatal(got)
				}
			})
			if !tt.survives {
				awaitGone(t, pidFile)
				return
			}
			pid := readPid(t, pidFile)
			if !processRuns(pid) {
				t.Errorf("process %d: got gone, want alive", pid)
			}
			_ = syscall.Kill(pid, syscall.SIGKILL)
		})
	}
}

func TestProcessStart(t *testing.T) {
	runFS(t, []evalTest{
		{"talk", `local p = process.start({"cat"}, {stdin = true})
			p:write("one\ntwo\n")
			local a, stream = p:read_line()
			p:close_stdin()
			local b = p:read_line()
			local c, why = p:read_line()
			return a, stream, b, c, why, p:wait().status, p.pid > 1`, "one stdout two nil closed 0 true"},
		{"streams", `local out = {}
			local p = process.start{"sh", "-c", "echo a; echo b >&2"}
			for line, stream in p:lines() do out[#out+1] = stream .. "=" .. line end
			table.sort(out)
			return table.concat(out, " ")`, "stderr=b stdout=a"},
		{"no last newline", `return process.start{"printf", "a\\nb"}:read_line()`, "a stdout"},
		{"read timeout", `return process.start{"sleep", "300"}:read_line(0.05)`, "nil timeout"},
		{"poll", `return process.start{"sleep", "300"}:read_line(0)`, "nil timeout"},
		{"wait timeout", `return process.start{"sleep", "300"}:wait(0.05)`, "nil timeout"},
		{"kill", `local p = process.start{"sleep", "300"}; local ok = p:kill("int"); return ok, p:wait().signal`, "true SIGINT"},
		{"kill by default", `local p = process.start{"sleep", "300"}; p:kill(); return p:wait().signal`, "SIGTERM"},
		{"kill by number", `local p = process.start{"sleep", "300"}; p:kill(9); return p:wait().signal`, "SIGKILL"},
		{"kill too late", `local p = process.start{"true"}; p:wait(); return p:kill()`, "nil process has ended"},
		{"kill with what", `process.start{"true"}:kill("SIGTREM")`, `...unknown signal "SIGTREM" (did you mean "SIGTERM"?))`},
		{"timeout", `local r = process.start({"sleep", "300"}, {timeout = 0.05}):wait(); return r.timed_out, r.ok`, "true false"},
		{"wait before reading", `local p = process.start{"head", "-c", "3000000", "/dev/zero"}
			local r = p:wait(); local n = 0
			for line in p:lines() do n = n + #line end
			return r.status, n`, "0 3000000"},
		{"write before reading", `local p = process.start({"cat"}, {stdin = true})
			local line = string.rep("x", 999) .. "\n"
			p:write(string.rep(line, 5000)); p:close_stdin()
			local n = 0
			for line in p:lines() do n = n + #line + 1 end
			return n`, "5000000"},
		{"wait fills up", `return process.start({"yes"}, {max_output = 2000000}):wait()`, "nil output not read exceeds 2000000 bytes (max_output)"},
		{"write fills up", `local p = process.start({"cat"}, {stdin = true, max_output = 2000000})
			return p:write(string.rep("x\n", 3000000))`, "nil output not read exceeds 2000000 bytes (max_output)"},
		{"write to the dead", `local p = process.start({"true"}, {stdin = true}); p:wait(); return p:write("x")`, "nil the process does not read its input any more"},
		{"write without a pipe", `process.start({"cat"}):write("x")`, "...start the process with {stdin = true})"},
		{"stdin as text", `return process.start({"cat"}, {stdin = "hello"}):read_line()`, "hello stdout"},
		{"merge", `local p = process.start({"sh", "-c", "echo a >&2"}, {merge = true}); return p:read_line()`, "a stdout"},
		{"not found", `return process.start{"no-such-program"}`, `nil no-such-program: "no-such-program": not found...`},
		{"output held open", `local n = 0; for line in process.lines{"sh", "-c", "sleep 300 & echo a"} do n = n + 1 end; return n`, "1"},
		{"tostring", `return tostring(process.start{"sleep", "300"})`, "process ..."},
		{"dot for colon", `process.start{"true"}.wait()`, "...called with a colon..."},
	})
}

func TestProcessLines(t *testing.T) {
	runFS(t, []evalTest{
		{"lines", `local got = {}
			for line, stream in assert(process.lines{"printf", "a\\r\\n\\nb"}) do got[#got+1] = stream .. ":" .. line end
			return table.concat(got, ",")`, "stdout:a,stdout:,stdout:b"},
		{"status", `local next_line, p = process.lines{"sh", "-c", "echo x; exit 7"}
			for line in next_line do end
			return p:wait().status`, "7"},
		{"check", `for line in process.lines({"sh", "-c", "echo x; exit 7"}, {check = true}) do end`, "...: exit status 7"},
		{"many", `local n = 0; for line in process.lines{"seq", "200000"} do n = n + 1 end; return n`, "200000"},
		{"long line in pieces", `local n, pieces = 0, 0
			for line in process.lines{"head", "-c", "5000000", "/dev/zero"} do n = n + #line; pieces = pieces + 1 end
			return n, pieces > 1 and pieces < 10`, "5000000 true"},
		{"break", `for line in process.lines{"yes"} do return line end`, "y"},
	})
}

func TestProcessFacts(t *testing.T) {
	t.Setenv("STD_TEST", "set")
	runFS(t, []evalTest{
		{"exists", `return process.exists("sh")`, ".../sh"},
		{"exists not", `return process.exists("no-such-program")`, `nil "no-such-program": not found in PATH...`},
		{"exists by path", `return process.exists("/bin/sh")`, "/bin/sh"},
		{"exists not by path", `return process.exists("/no/sh")`, "nil stat /no/sh: no such file or directory"},
		{"pid", `return process.pid()`, strconv.Itoa(os.Getpid())},
		{"env", `return process.env("STD_TEST"), process.env("STD_TEST_NOT"), process.env("STD_TEST_NOT", "x")`, "set nil x"},
		{"environ", `return process.environ().STD_TEST`, "set"},
	})
	if runtime.GOOS == "linux" {
		newFSBox(t).expect(t, `local p = process.start{"sleep", "300"}
			for _, q in ipairs(process.list()) do
				if q.pid == p.pid then return q.name, q.ppid == process.pid(), table.concat(q.argv, " "), q.uid end
			end`, "sleep true sleep 300 "+strconv.Itoa(os.Getuid()))
	}
}

func TestExecute(t *testing.T) {
	box := newFSBox(t)
	f := Of(box.LState)
	status, err := Execute(f, "echo one; echo two >&2; cat; printf three; exit 5")
	if status != 5 || err != nil {
		t.Errorf("Execute: got %d, %v, want 5, nil", status, err)
	}
	if got := sortedLines(box.output.String()); got != "one three two" {
		t.Errorf("output: got %q, want %q", got, "one three two")
	}
	if status, _ := Execute(f, "kill -15 $$"); status != 143 {
		t.Errorf("Execute of a killed command: got %d, want 143", status)
	}
	box.cancel(errors.New("enough"))
	if _, err := Execute(f, "sleep 300"); err == nil || err.Error() != "enough" {
		t.Errorf("Execute when cancelled: got %v, want enough", err)
	}
}

func TestPopen(t *testing.T) {
	box := newFSBox(t)
	f := Of(box.LState)
	p, err := Popen(f, "echo out; echo home >&2; exit 3", "r")
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 100)
	if n, err := p.Read(data); string(data[:n]) != "out\n" || err != nil {
		t.Errorf("Read: got %q, %v, want %q", data[:n], err, "out\n")
	}
	if err := p.Close(); err != nil || p.Status() != 3 {
		t.Errorf("Close: got %v, status %d, want nil, status 3", err, p.Status())
	}
	p, err = Popen(f, "cat", "w")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte("written")); err != nil {
		t.Error(err)
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Error(err)
	}
	if got := box.output.String(); got != "home\nwritten\n" {
		t.Errorf("output: got %q, want %q", got, "home\nwritten\n")
	}
	if _, err := Popen(f, "cat", "rw"); err == nil {
		t.Error("Popen with mode rw: got no error")
	}
}

func TestPopenCancel(t *testing.T) {
	box := newFSBox(t)
	f := Of(box.LState)
	p, err := Popen(f, "sleep 300", "r")
	if err != nil {
		t.Fatal(err)
	}
	box.cancel(errors.New("enough"))
	if _, err := p.Read(make([]byte, 1)); err == nil || err.Error() != "enough" {
		t.Errorf("Read when cancelled: got %v, want enough", err)
	}
	if err := p.Close(); err == nil || err.Error() != "enough" {
		t.Errorf("Close when cancelled: got %v, want enough", err)
	}
}

func sortedLines(s string) string {
	lines := strings.Fields(s)
	slices.Sort(lines)
	return strings.Join(lines, " ")
}

// TestPopenAbandoned leaves a pipe open at the fragment's end.
func TestPopenAbandoned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	f := NewFragment(t.Context(), io.Discard)
	p, err := Popen(f, "cat > "+path, "w")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte("kept")); err != nil {
		t.Fatal(err)
	}
	f.End()
	if data, err := os.ReadFile(path); string(data) != "kept" {
		t.Errorf("content: got %q, %v, want %q", data, err, "kept")
	}
}
