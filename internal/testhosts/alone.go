//go:build unix

package testhosts

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// aloneTime is how long a test waits for its turn.
const aloneTime = 5 * time.Minute

// Alone is [Hosts.Host] for a host that the test changes: it waits until no other
// test, of this or another package, has asked for the host in this way.
func (h *Hosts) Alone(tb testing.TB, name string) Host {
	tb.Helper()
	host := h.Host(tb, name)
	lock, err := os.OpenFile(filepath.Join(h.dir, name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { lock.Close() })
	free := func() bool { return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil }
	if !within(aloneTime, free) {
		tb.Fatalf("another test has had the host %q for %v", name, aloneTime)
	}
	return host
}
