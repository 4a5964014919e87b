package child

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	line := strings.Repeat("x", 1023) + "\n"
	for _, tt := range []struct {
		name   string
		writes []string
		want   string
	}{
		{"nothing", nil, ""},
		{"one line", []string{"a\n"}, "a\n"},
		{"no newline", []string{"a", "b"}, "ab"},
		{"exactly full", []string{strings.Repeat(line, 16)}, strings.Repeat(line, 16)},
		{"a bit more than full", []string{"first\n", strings.Repeat(line, 16), "last\n"}, strings.Repeat(line, 15) + "last\n"},
		{"more than full", []string{"first\n", strings.Repeat(line, 16)}, strings.Repeat(line, 15)},
		{"one write of much", []string{strings.Repeat(line, 100) + "last"}, strings.Repeat(line, 15) + "last"},
		{"many writes", strings.SplitAfter(strings.Repeat(line, 100)+"last", "\n"), strings.Repeat(line, 15) + "last"},
		{"one long line", []string{strings.Repeat("y", 3*TailSize)}, strings.Repeat("y", TailSize)},
		{"one long line that ends", []string{strings.Repeat("y", 3*TailSize) + "\n"}, strings.Repeat("y", TailSize-1) + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var kept Tail
			for _, w := range tt.writes {
				if n, err := fmt.Fprint(&kept, w); n != len(w) || err != nil {
					t.Fatalf("Write = %d, %v; want %d, nil", n, err, len(w))
				}
			}
			if got := kept.String(); got != tt.want {
				t.Errorf("got %d bytes %.40q..., want %d bytes %.40q...", len(got), got, len(tt.want), tt.want)
			}
		})
	}
}

func TestTailWatch(t *testing.T) {
	var kept Tail
	var seen strings.Builder
	fmt.Fprint(&kept, "before ")
	kept.Watch(&seen)
	fmt.Fprint(&kept, "while ")
	kept.Watch(nil)
	fmt.Fprint(&kept, "after")
	if got, want := seen.String(), "before while "; got != want {
		t.Errorf("watched %q, want %q", got, want)
	}
	if got, want := kept.String(), "before while after"; got != want {
		t.Errorf("kept %q, want %q", got, want)
	}
}

// refuser fails, and counts how often it was asked.
type refuser struct{ asked int }

func (r *refuser) Write([]byte) (int, error) {
	r.asked++
	return 0, errors.New("enough")
}

func TestTailWatcherThatFails(t *testing.T) {
	var kept Tail
	var w refuser
	kept.Watch(&w)
	fmt.Fprint(&kept, "a")
	fmt.Fprint(&kept, "b")
	if got := kept.String(); got != "ab" || w.asked != 1 {
		t.Errorf("kept %q and asked %d times, want %q and once", got, w.asked, "ab")
	}
}
