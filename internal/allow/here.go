package allow

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
)

// here is what is enforced in this process; nil for nothing. Rules are a
// process's, as its files and its environment are.
var here atomic.Pointer[Policy]

// Here is the policy that is enforced in this process.
func Here() Policy {
	if p := here.Load(); p != nil {
		return *p
	}
	return Policy{}
}

// Enforce has the policy that Var tells of be enforced from now on. It is for an
// agent's process, before it runs anything.
func Enforce() error {
	text := os.Getenv(Var)
	if text == "" {
		return nil
	}
	if runtime.GOOS == "windows" {
		return errors.New("rules about what fragments may do cannot be kept on Windows")
	}
	p, err := Parse(text)
	if err != nil {
		return fmt.Errorf("$%s: %w", Var, err)
	}
	here.Store(&p)
	return nil
}
