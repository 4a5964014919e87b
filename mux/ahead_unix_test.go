//go:build unix

package mux

import (
	"io"
	"testing"
)

// TestStdioAhead reads what was sent ahead of a pipe, and asks that awake only
// when all has come that is skipped.
func TestStdioAhead(t *testing.T) {
	near, far := filePipe(t)
	s := far.(*stdio)
	s.ahead = newAhead([]byte("first"))
	buf := make([]byte, 20)
	poll := func(want string) {
		t.Helper()
		if n := s.Poll(buf, patience); string(buf[:n]) != want {
			t.Errorf("Poll has %q, want %q", buf[:n], want)
		}
	}
	read := func(want string) {
		t.Helper()
		if n, err := s.Read(buf); string(buf[:n]) != want || err != nil {
			t.Fatalf("Read has %q, %v; want %q", buf[:n], err, want)
		}
	}
	poll("")
	read("first")
	poll("")
	io.WriteString(near, "first, more")
	poll("")
	read(", more")
	io.WriteString(near, "and more")
	if s.soon == nil { // no system to be asked awake
		read("and more")
		return
	}
	poll("and more")
}
