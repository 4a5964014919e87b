package std

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// TestChildOutlivesThread starts a child from a thread which ends.
func TestChildOutlivesThread(t *testing.T) {
	box := newFSBox(t)
	c := &command{argv: []string{"sleep", "300"}}
	type started struct {
		h   *handle
		err error
	}
	result := make(chan started)
	go func() {
		runtime.LockOSThread() // and not unlocked: the thread ends with the goroutine
		h, err := c.start(Of(box.LState), false)
		result <- started{h, err}
	}()
	got := <-result
	if got.err != nil {
		t.Fatal(got.err)
	}
	// A child of that thread would be killed now, by no event that could be
	// awaited; this gives it the time that other children take to run.
	box.expect(t, `for i = 1, 20 do assert(process.run{"true"}).status = 0 end`, "")
	if !processRuns(got.h.job.cmd.Process.Pid) {
		t.Error("child: got gone, want alive")
	}
}

// TestChildDiesWithParent kills a process that has started a child.
func TestChildDiesWithParent(t *testing.T) {
	if path := os.Getenv("STD_TEST_PID_FILE"); path != "" {
		beParent(t, path)
		return
	}
	pidFile := filepath.Join(t.TempDir(), "pid")
	parent := exec.Command(os.Args[0], "-test.run=^TestChildDiesWithParent$")
	parent.Env = append(os.Environ(), "STD_TEST_PID_FILE="+pidFile)
	stdin, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	readPid(t, pidFile)
	if err := parent.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = parent.Wait() // it was killed
	awaitGone(t, pidFile)
}

// beParent starts a child, tells its number and waits to be killed.
func beParent(t *testing.T, pidFile string) {
	box := newFSBox(t)
	box.expect(t, `local p = assert(process.start{"sleep", "300"}); assert(fs.write("`+pidFile+`", p.pid))`, "")
	_, _ = io.Copy(io.Discard, os.Stdin)
}
