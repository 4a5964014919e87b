//go:build unix

package server

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAgentNamedRelatively: an agent starts in its user's home, where that user
// may have put another program by that name.
func TestAgentNamedRelatively(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("agent", []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := &Server{Agent: []string{"./agent", "-x"}}
	command, err := s.agentCommand()
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "agent"); command.Path != want || command.Args[0] != "./agent" {
		t.Errorf("it starts %q as %q, want %q", command.Path, command.Args, want)
	}
}
