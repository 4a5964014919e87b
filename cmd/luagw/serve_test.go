package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// servingKey is where a script keeps its serving.
type servingKey struct{}

// serving is a luagw serve that a script has started.
type serving struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

// serve is "serve ARG...": it starts luagw serve, and sets TCP and UNIX to the
// specs of its sockets when it accepts connections. It ends with the script, if
// "served CODE" does not end it before.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve ARG...")
	}
	path, err := exec.LookPath("luagw")
	ts.Check(err)
	s := ts.Value(servingKey{}).(*serving)
	s.stderr.Reset()
	s.cmd = exec.Command(path, append([]string{"serve"}, args...)...)
	s.cmd.Dir, s.cmd.Stderr = ts.Getenv("WORK"), &s.stderr
	for _, name := range []string{"HOME", "PATH", "WORK", "XDG_CONFIG_HOME", "NOTIFY_SOCKET", "GORACE"} {
		s.cmd.Env = append(s.cmd.Env, name+"="+ts.Getenv(name))
	}
	stdout, err := s.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	release := bound(s.cmd)
	ts.Defer(func() {
		release()
		s.cmd.Process.Kill()
		s.cmd.Wait()
	})
	lines := bufio.NewScanner(stdout)
	for range sockets(args) {
		if !lines.Scan() {
			s.cmd.Wait()
			ts.Fatalf("luagw serve does not: %s", s.stderr.String())
		}
		kind, _, _ := strings.Cut(lines.Text(), ":")
		ts.Setenv(strings.ToUpper(kind), lines.Text())
	}
}

// sockets is how many sockets serve listens on by these arguments.
func sockets(args []string) int {
	if slices.Contains(args, "--unix") && slices.Contains(args, "--listen") {
		return 2
	}
	return 1
}

// served is "served CODE [HUP]": it sends SIGTERM or SIGHUP to what serve has
// started, which must exit with that code. What it has written to standard error is
// a file, served.
func served(ts *testscript.TestScript, neg bool, args []string) {
	sig := syscall.SIGTERM
	if len(args) == 2 && args[1] == "HUP" {
		sig = syscall.SIGHUP
	} else if neg || len(args) != 1 {
		ts.Fatalf("usage: served CODE [HUP]")
	}
	s := ts.Value(servingKey{}).(*serving)
	ts.Check(s.cmd.Process.Signal(sig))
	checkExit(ts, args[0], s.cmd.Wait())
	ts.Check(os.WriteFile(ts.MkAbs("served"), s.stderr.Bytes(), 0o600))
}

// authorize is "authorize FILE KEY.pub [OPTIONS]": it lets a key in as the user
// who runs the tests.
func authorize(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: authorize FILE KEY.pub [OPTIONS]")
	}
	u, err := user.Current()
	ts.Check(err)
	line := `luagw-user="` + u.Username + `"`
	for _, option := range args[2:] {
		line += "," + option
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(line+" "+ts.ReadFile(args[1])), 0o600))
}
