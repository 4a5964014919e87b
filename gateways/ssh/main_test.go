package ssh_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// TestMain fails when the tests leave goroutines or open files behind.
func TestMain(m *testing.M) {
	os.Unsetenv("SSH_AUTH_SOCK")
	os.Unsetenv("SSH_ASKPASS")
	before, files := runtime.NumGoroutine(), openFiles()
	code := m.Run()
	if flag.Lookup("test.fuzz").Value.String() != "" { // its engine keeps files open
		os.Exit(code)
	}
	deadline := time.Now().Add(3 * time.Second)
	for code == 0 && (runtime.NumGoroutine() > before || len(openFiles()) > len(files)) {
		if time.Now().After(deadline) {
			fmt.Fprintf(os.Stderr, "left after the tests: %d goroutines, before %d; files %q, before %q\n",
				runtime.NumGoroutine(), before, openFiles(), files)
			pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			code = 1
		}
		time.Sleep(5 * time.Millisecond)
	}
	os.Exit(code)
}

// openFiles lists what this process's descriptors stand for, where the system
// tells, but for those of the runtime, which stay.
func openFiles() (files []string) {
	const dir = "/proc/self/fd/"
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		target, err := os.Readlink(dir + entry.Name())
		if err == nil && !strings.HasPrefix(target, "anon_inode:") {
			files = append(files, target)
		}
	}
	return files
}
