package mux

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// childEnv makes the test binary play the part of that name instead of running
// tests.
const childEnv = "MUX_TEST_CHILD"

func TestMain(m *testing.M) {
	if part := os.Getenv(childEnv); part != "" {
		os.Exit(runChild(part))
	}
	code := m.Run()
	if leaked := leakedGoroutines(2 * time.Second); code == 0 && leaked != "" {
		fmt.Fprintf(os.Stderr, "goroutines left after the tests:\n\n%s\n", leaked)
		code = 1
	}
	os.Exit(code)
}

// leakedGoroutines returns the stacks of the goroutines which do not end
// within patience.
func leakedGoroutines(patience time.Duration) string {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		leaked := strangeGoroutines()
		if leaked == "" || time.Now().After(end) {
			return leaked
		}
	}
}

// strangeGoroutines returns the stacks of the goroutines that belong neither
// to the caller nor to the testing package.
func strangeGoroutines() string {
	buf := make([]byte, 1<<20)
	stacks := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	var strange []string
	for _, stack := range stacks[1:] {
		if !strings.Contains(stack, "testing.") && !strings.Contains(stack, "os/signal.") {
			strange = append(strange, stack)
		}
	}
	return strings.Join(strange, "\n\n")
}
