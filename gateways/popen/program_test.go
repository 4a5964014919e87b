//go:build unix

package popen

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/child"
)

// write makes a file in dir.
func write(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDialErrors(t *testing.T) {
	dir := t.TempDir()
	plain := write(t, dir, "plain", "text\n", 0o644)
	orphaned := write(t, dir, "orphaned", "#!/nonexistent/interpreter\n", 0o755)
	garbage := write(t, dir, "garbage", "\x00\x01\x02\x03", 0o755)
	t.Setenv("PATH", os.Getenv("PATH")+string(filepath.ListSeparator)+".")
	t.Chdir(dir)
	for _, tt := range []struct {
		name  string
		spec  luagw.Spec
		stage luagw.Stage
		want  []string
	}{
		{"no such path", luagw.Spec{Kind: "popen", Agent: "/nonexistent/agent"}, luagw.StageResolve,
			[]string{`"/nonexistent/agent"`, "no such file"}},
		{"not on the PATH", luagw.Spec{Kind: "popen", Agent: "no-such-program -x"}, luagw.StageResolve,
			[]string{`"no-such-program"`, "not on the PATH", os.Getenv("PATH")}},
		{"exec not on the PATH", luagw.Spec{Kind: "exec", Target: "no-such-program -x"}, luagw.StageResolve,
			[]string{`"no-such-program"`, "not on the PATH"}},
		{"relative, missing", luagw.Spec{Kind: "popen", Agent: "./missing"}, luagw.StageResolve,
			[]string{`"./missing"`, "no such file"}},
		{"directory", luagw.Spec{Kind: "popen", Agent: dir}, luagw.StageResolve,
			[]string{dir, "is a directory"}},
		{"not executable", luagw.Spec{Kind: "popen", Agent: plain}, luagw.StageResolve,
			[]string{plain, "permission denied"}},
		{"found by dot in the PATH", luagw.Spec{Kind: "popen", Agent: "garbage"}, luagw.StageResolve,
			[]string{`"garbage"`, "current directory"}},
		{"interpreter missing", luagw.Spec{Kind: "popen", Agent: orphaned}, luagw.StageSpawn,
			[]string{orphaned, "interpreter", "is missing"}},
		{"no program format", luagw.Spec{Kind: "popen", Agent: garbage}, luagw.StageSpawn,
			[]string{garbage, "exec format error"}},
		{"no command", luagw.Spec{Kind: "exec"}, luagw.StageResolve,
			[]string{"exec without a command"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d Dialer
			conn, err := d.Dial(context.Background(), &tt.spec)
			if conn != nil {
				conn.Close()
				t.Fatal("got a connection, want an error")
			}
			checkOpenError(t, err, tt.stage, tt.want...)
		})
	}
}

func checkOpenError(t *testing.T, err error, stage luagw.Stage, want ...string) {
	t.Helper()
	oe, ok := errors.AsType[*luagw.OpenError](err)
	if !ok || oe.Stage != stage || oe.ExitCode != -1 {
		t.Fatalf("got %v, want an OpenError of stage %s", err, stage)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got %q, want %q in it", err, w)
		}
	}
}

// The system's words would say once more that it is not on the PATH.
func TestDialNotOnThePath(t *testing.T) {
	t.Setenv("PATH", "/nonexistent")
	var d Dialer
	_, err := d.Dial(context.Background(), &luagw.Spec{Kind: "exec", Target: "no-such-program -x"})
	const want = `open "exec=no-such-program -x": resolve: program "no-such-program" is not on the PATH "/nonexistent"`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestDialUnreadableCommand(t *testing.T) {
	var d Dialer
	_, err := d.Dial(context.Background(), &luagw.Spec{Kind: "exec", Target: "sh -c 'open"})
	if _, ok := errors.AsType[*luagw.SpecError](err); !ok {
		t.Errorf("got %v, want a SpecError", err)
	}
}

func TestDialContextEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var d Dialer
	_, err := d.Dial(ctx, &luagw.Spec{Kind: "exec", Target: "cat"})
	checkOpenError(t, err, luagw.StageSpawn)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestRelativeProgram(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "agent", "#!/bin/sh\necho \"$0\"\n", 0o755)
	t.Chdir(dir)
	for _, spec := range []luagw.Spec{{Kind: "popen", Agent: "./agent"}, {Kind: "exec", Target: "./agent"}} {
		t.Run(spec.Kind, func(t *testing.T) {
			if got, want := output(t, &Dialer{}, &spec), "./agent\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestWhichAgent goes through the places where an agent is looked for.
func TestWhichAgent(t *testing.T) {
	bin, elsewhere := t.TempDir(), t.TempDir()
	script := func(name string) string { return "#!/bin/sh\necho " + name + " $LUAGW_SERVE\n" }
	write(t, bin, "luagw-agent", script("path"), 0o755)
	self := write(t, elsewhere, "self", script("self"), 0o755)
	named := write(t, elsewhere, "named", script("named"), 0o755)
	serves := func() (string, bool) { return self, true }
	for _, tt := range []struct {
		name, agent, env string
		self             func() (string, bool)
		want             string
	}{
		{"the spec's", named, self, serves, "named\n"},
		{"this program", "", named, serves, "self stdio\n"},
		{"this program is none", "", named, func() (string, bool) { return self, false }, "named\n"},
		{"the variable's", "", named, nil, "named\n"},
		{"the variable's on the PATH", "", "luagw-agent", nil, "path\n"},
		{"on the PATH", "", "", nil, "path\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("PATH", bin)
			t.Setenv(agentVar, tt.env)
			t.Setenv(child.ServeVar, "inherited")
			d := &Dialer{Self: tt.self}
			if got := output(t, d, &luagw.Spec{Kind: "popen", Agent: tt.agent}); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNoAgent(t *testing.T) {
	var d Dialer
	t.Run("none", func(t *testing.T) {
		t.Setenv("PATH", "/nonexistent")
		t.Setenv(agentVar, "")
		_, err := d.Dial(context.Background(), &luagw.Spec{Kind: "popen"})
		checkOpenError(t, err, luagw.StageResolve, "$LUAGW_AGENT is not set", besideSelf(), `PATH "/nonexistent"`)
	})
	t.Run("the variable's is missing", func(t *testing.T) {
		t.Setenv(agentVar, "/nonexistent/agent")
		_, err := d.Dial(context.Background(), &luagw.Spec{Kind: "popen"})
		checkOpenError(t, err, luagw.StageResolve, `$LUAGW_AGENT: program "/nonexistent/agent"`, "no such file")
	})
}

func TestEnvironment(t *testing.T) {
	t.Setenv("LUAGW_DETACHED", "1")
	t.Setenv("LUAGW_GATEWAY", "another")
	t.Setenv("LUAGW_SERVE", "stdio")
	t.Setenv("LUAGW_TEST", "inherited")
	const print = `echo "$LUAGW_DETACHED,$LUAGW_SERVE,$LUAGW_TEST,${#LUAGW_GATEWAY}"`
	for _, tt := range []struct{ kind, want string }{
		{"popen", ",,inherited,32\n"},
		{"exec", ",,inherited,0\n"},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			if got := output(t, &Dialer{}, shell(tt.kind, print)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
