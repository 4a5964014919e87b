package proctree

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	const rest = " S 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3 0 4711 99 1 2 3\n"
	for _, tt := range []struct {
		name, line, command string
		ok                  bool
	}{
		{"plain", "42 (sleep)" + rest, "sleep", true},
		{"space", "42 (tmux: server)" + rest, "tmux: server", true},
		{"parentheses", "42 (a) R 1 (b))" + rest, "a) R 1 (b)", true},
		{"newline", "42 (a\nb)" + rest, "a\nb", true},
		{"no command", "42 ()" + rest, "", true},
		{"empty", "", "", false},
		{"no parenthesis", "42 sleep" + rest, "", false},
		{"parentheses the wrong way round", "42 )sleep(" + rest, "", false},
		{"cut short", "42 (sleep) S 7 8 9", "", false},
		{"no state", "42 (sleep) " + strings.Repeat("17 ", 30), "", false},
		{"parent is no number", "42 (sleep) S x" + rest, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseStat([]byte(tt.line))
			if ok != tt.ok {
				t.Fatalf("ok = %v, want %v", ok, tt.ok)
			}
			want := process{pid: 42, parent: 7, group: 8, session: 9, state: 'S', threads: 3, start: 4711, command: tt.command}
			if ok && got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestLookAtSelf(t *testing.T) {
	p, ok := look(os.Getpid())
	if !ok {
		t.Fatal("this process is not in /proc")
	}
	if p.pid != os.Getpid() || p.parent != os.Getppid() || p.group != unix.Getpgrp() {
		t.Errorf("got %+v, want pid %d, parent %d, group %d", p, os.Getpid(), os.Getppid(), unix.Getpgrp())
	}
	if p.ended() {
		t.Error("ended, want running")
	}
}

func TestEnded(t *testing.T) {
	for _, tt := range []struct {
		name    string
		state   byte
		threads int
		want    bool
	}{
		{"running", 'R', 1, false},
		{"stopped", 'T', 1, false},
		{"zombie", 'Z', 1, true},
		{"first thread ended, others run", 'Z', 4, false},
		{"dead", 'X', 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := (process{state: tt.state, threads: tt.threads}).ended(); got != tt.want {
				t.Errorf("ended = %v, want %v", got, tt.want)
			}
		})
	}
}
