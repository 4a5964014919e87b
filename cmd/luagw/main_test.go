package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this binary three programs: the tests, luagw, which scripts
// find on the PATH, and the agent, as which luagw starts itself.
func TestMain(m *testing.M) {
	luagw.ServeIfAgent(&lua.Runtime{})
	testscript.Main(m, map[string]func(){"luagw": main})
}

// scriptsTime bounds the scripts, which take some ten seconds all together. What a
// script runs then is ended, by a signal that has it tell where its goroutines
// are, and the script's log is shown.
const scriptsTime = 4 * time.Minute

// TestScripts runs testdata/script, one behaviour each.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Deadline:            time.Now().Add(scriptsTime),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"interrupt": interruptAt,
			"serve":     serve,
			"served":    served,
			"authorize": authorize,
		},
		Setup: func(env *testscript.Env) error {
			env.Values[servingKey{}] = &serving{}
			env.Setenv("GORACE", "atexit_sleep_ms=0") // programs that look for races would take a second to exit
			return nil
		},
	})
}

// exits is "exits CODE PROGRAM ARG...": it runs a program, which must exit with
// that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	checkExit(ts, args[0], ts.Exec(args[1], args[2:]...))
}

func checkExit(ts *testscript.TestScript, want string, err error) {
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got := strconv.Itoa(code); got != want {
		ts.Fatalf("got exit code %s, want %s", got, want)
	}
}

// interruptAt is "interrupt LINE CODE PROGRAM ARG...": it runs a program, sends
// it SIGINT when it has written that line to its standard output, and the
// program must exit with that code.
func interruptAt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupt LINE CODE PROGRAM ARG...")
	}
	path, err := exec.LookPath(args[2])
	ts.Check(err)
	cmd := exec.Command(path, args[3:]...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Stderr = ts.Stderr()
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	defer bound(cmd)()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != args[0] {
		io.WriteString(ts.Stdout(), lines.Text()+"\n")
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	io.Copy(ts.Stdout(), stdout)
	checkExit(ts, args[1], cmd.Wait())
}

// bound ends a program as scripts' own are ended, when it runs for longer than
// scripts may. What it returns takes that back.
func bound(cmd *exec.Cmd) (release func() bool) {
	return time.AfterFunc(scriptsTime*8/10, func() { cmd.Process.Signal(syscall.SIGQUIT) }).Stop
}

func TestTextOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		v    any
		want string
	}{
		{"nil", nil, "nil"},
		{"string", "a\n\xff", "a\n\xff"},
		{"integer", int64(1 << 60), "1152921504606846976"},
		{"float", 0.1, "0.1"},
		{"list", []any{int64(1), nil, "<x>"}, `[1,null,"<x>"]`},
		{"map", map[string]any{"b": true, "a": []any{}}, `{"a":[],"b":true}`},
		{"other keys", map[any]any{int64(1): "x", true: "y"}, `{"1":"x","true":"y"}`},
		{"infinite within", []any{negativeInfinity()}, `["-inf"]`},
	} {
		if got := textOf(tt.v); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func negativeInfinity() float64 {
	f, _ := strconv.ParseFloat("-inf", 64)
	return f
}

// A prompt ends as prompts do, whoever has written it.
func TestPrompt(t *testing.T) {
	for prompt, want := range map[string]string{
		"passphrase of /home/joe/.ssh/id_ed25519": "passphrase of /home/joe/.ssh/id_ed25519: ",
		"web1 asks joe: Password: ":               "web1 asks joe: Password: ",
		"web1 asks joe: Code>":                    "web1 asks joe: Code> ",
	} {
		if got := promptText(prompt); got != want {
			t.Errorf("%q: got %q, want %q", prompt, got, want)
		}
	}
}

// Of several questions the first is interrupted, and the others are not asked.
func TestNoQuestionAfterAnInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	if _, err := (&terminal{path: "/nonexistent"}).ask(ctx, "Password:", true); err != errInterrupted {
		t.Errorf("got %v, want %v", err, errInterrupted)
	}
}

func TestInterruptedQuestion(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	_, _, err := (&dialFlags{askBecome: true}).becomePassword(ctx, &terminal{path: "/nonexistent"})
	if exit, ok := errors.AsType[*exitError](err); !ok || exit.code != exitInterrupted || exit.Error() != "interrupted" {
		t.Errorf("got %v, want an interruption, which is exit code %d", err, exitInterrupted)
	}
}

func TestTargetIDs(t *testing.T) {
	for _, tt := range []struct{ name, specs, want string }{
		{"none", "", "gw0"},
		{"by place", "popen popen", "gw0 gw1"},
		{"given", "popen//id=a popen", "a gw1"},
		{"hosts", "ssh:web1 ssh:root@web2 tcp:web3:99", "web1 web2 web3"},
		{"host twice", "ssh:web1 ssh:a@web1 ssh:b@web1", "web1 gw1 gw2"},
		{"number is taken", "popen popen//id=gw0", "gw1 gw0"},
	} {
		targets, err := parseTargets(strings.Fields(tt.specs))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var ids []string
		for _, target := range targets {
			ids = append(ids, target.spec.ID)
		}
		if got := strings.Join(ids, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
