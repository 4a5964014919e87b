package realhosts_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestNearSideGone ends the near side, a luagw command, in ways that let it say
// nothing, and looks for what its agent has started.
func TestNearSideGone(t *testing.T) {
	command := buildCommand(t)
	for i, tt := range []struct {
		name   string
		end    func(n *nearSide)
		within time.Duration // what is on the host has ended
		says   string        // the command, once it can
	}{
		{"killed", func(n *nearSide) { n.cmd.Process.Kill() }, 10 * time.Second, ""},
		{"its terminal is closed", func(n *nearSide) { n.terminal.Close() }, 10 * time.Second, ""},
		{"asleep as its machine may be", func(n *nearSide) { n.cmd.Process.Signal(syscall.SIGSTOP) }, farNoticing, "lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			b.build("amd64")
			seconds := fmt.Sprint(4720 + i) // which nobody else sleeps
			n := b.start(command, "web1", seconds)
			if !waitFor(time.Minute, func() bool { return b.sleeps("web1", seconds) }) {
				t.Fatalf("nothing sleeps on the host: %s", &n.output)
			}
			tt.end(n)
			if !waitFor(tt.within, func() bool { return !b.sleeps("web1", seconds) }) {
				t.Errorf("what it has started still runs %v later", tt.within)
			}
			n.cmd.Process.Signal(syscall.SIGCONT)
			select {
			case <-n.ended:
			case <-time.After(noticing):
				t.Fatalf("the command still runs: %s", &n.output)
			}
			if !strings.Contains(n.output.String(), tt.says) {
				t.Errorf("the command says %q, want %q in it", &n.output, tt.says)
			}
		})
	}
}

// nearSide is a luagw command at a terminal of its own.
type nearSide struct {
	cmd      *exec.Cmd
	terminal *os.File      // the other end of it
	output   bytes.Buffer  // of the command, once it has ended
	ended    chan struct{} // closed when it has
}

// buildCommand builds luagw, which finds the agents that the bed has built.
func buildCommand(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "luagw")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "github.com/luagw/luagw/cmd/luagw").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return path
}

// start has the command run a fragment on host that sleeps for so long.
func (b *bed) start(command, host, seconds string) *nearSide {
	b.tb.Helper()
	spec := b.spec(host, "//keepalive=1s").String()
	n := &nearSide{ended: make(chan struct{})}
	terminal, at := openTerminal(b.tb)
	n.terminal = terminal
	n.cmd = exec.Command(command, "exec", "-t", spec, "-e", `process.run({"sleep", "`+seconds+`"})`)
	n.cmd.Stdin = at
	n.cmd.Stdout, n.cmd.Stderr = &n.output, &n.output
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	n.cmd.WaitDelay = time.Second
	err := n.cmd.Start()
	at.Close()
	if err != nil {
		b.tb.Fatal(err)
	}
	go func() { // ends with the command
		defer close(n.ended)
		n.cmd.Wait()
	}()
	b.tb.Cleanup(func() {
		n.cmd.Process.Kill()
		<-n.ended
	})
	return n
}

// sleeps says whether somebody on host sleeps for so many seconds.
func (b *bed) sleeps(host, seconds string) bool {
	b.tb.Helper()
	const look = `for p in /proc/[0-9]*; do tr "\0" " " <$p/cmdline; echo; done 2>/dev/null | grep -cx "sleep %s "`
	return strings.TrimSpace(b.shell(host, fmt.Sprintf(look, seconds))) != "0"
}

// openTerminal makes a pseudo-terminal (pty(7)): what a terminal program has, and
// what runs in it.
func openTerminal(tb testing.TB) (outside, inside *os.File) {
	tb.Helper()
	outside, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { outside.Close() })
	number, err := unix.IoctlGetInt(int(outside.Fd()), unix.TIOCGPTN)
	if err != nil {
		tb.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(outside.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		tb.Fatal(err)
	}
	inside, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return outside, inside
}
