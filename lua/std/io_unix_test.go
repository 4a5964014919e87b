//go:build unix

package std

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	glua "github.com/yuin/gopher-lua"
)

func TestIOFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	runIOTests(t, []evalTest{
		{"seen by close", `local f = io.open("/dev/full", "w") local ok = f:write("x") return ok, f:close()`, "true nil No space left on device 28"},
		{"seen by flush", `local f = io.open("/dev/full", "w") f:write("x") local _, m = f:flush() return m, f:flush()`, "No space left on device true"},
		{"seen by write", `return io.open("/dev/full", "w"):write(("x"):rep(100000))`, "nil No space left on device 28"},
	})
}

func TestIOCancelled(t *testing.T) {
	tests := []struct{ name, source string }{
		{"open", `soon() io.open("fifo")`},
		{"input", `soon() io.input("fifo")`},
		{"read", `local f = io.open("fifo", "r+") soon() f:read()`},
		{"lines", `local next = io.open("fifo", "r+"):lines() soon() next()`},
		{"write", `local f, s = io.open("fifo", "r+"), ("x"):rep(1e5) soon() f:write(s)`},
		{"read a command", `local p = io.popen("sleep 1000") soon() p:read()`},
		{"write to a command", `local p, s = io.popen("sleep 1000", "w"), ("x"):rep(1e5) soon() p:write(s)`},
		{"close a command", `local p = io.popen("sleep 1000") soon() p:close()`},
		{"execute", `soon() os.execute("sleep 1000")`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box := newIOSandbox(t)
			if err := syscall.Mkfifo("fifo", 0o600); err != nil {
				t.Fatal(err)
			}
			box.SetGlobal("soon", box.NewFunction(func(*glua.LState) int {
				// The chunk should be waiting by then.
				time.AfterFunc(20*time.Millisecond, func() { box.cancel(errors.New("enough")) })
				return 0
			}))
			if got := box.eval(tt.source); !strings.HasSuffix(got, "enough") {
				t.Errorf("got %q, want the cause of the cancellation", got)
			}
		})
	}
}
