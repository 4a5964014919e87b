package main

import (
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	tests := []struct {
		unit   unit
		figure float64
		want   string
	}{
		{seconds, 54.2e-6, "54.2 µs"},
		{seconds, 0.0123, "12.3 ms"},
		{seconds, 2, "2.00 s"},
		{itemRate, 4.2e6, "4.20 M/s"},
		{itemRate, 92100, "92.1 k/s"},
		{itemRate, 12, "12.0 /s"},
		{byteRate, 390 * mib, "390 MiB/s"},
		{size, 41.5 * kib, "41.5 KiB"},
		{size, 4.5 * mib, "4.50 MiB"},
	}
	for _, test := range tests {
		if got := test.unit.format(test.figure); got != test.want {
			t.Errorf("%v %v: got %q, want %q", test.figure, test.unit, got, test.want)
		}
	}
}

func TestSpread(t *testing.T) {
	tests := []struct{ middle, least, most, want string }{
		{"12.3 ms", "11.0 ms", "15.0 ms", "12.3 ms (11.0..15.0)"},
		{"1.20 ms", "900 µs", "1.30 ms", "1.20 ms (900 µs..1.30 ms)"},
		{"5.00x", "4.00x", "6.00x", "5.00x (4.00..6.00)"},
	}
	for _, test := range tests {
		if got := spread(test.middle, test.least, test.most); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestReplaceTable(t *testing.T) {
	page := "before\n" + tableBegin + "\nold\n" + tableEnd + "\nafter\n"
	want := "before\n" + tableBegin + "\nnew\n" + tableEnd + "\nafter\n"
	got, err := replaceTable(page, "new\n")
	if err != nil || got != want {
		t.Errorf("got %q and %v, want %q", got, err, want)
	}
	for _, page := range []string{"", tableBegin} {
		if _, err := replaceTable(page, "new\n"); err == nil {
			t.Errorf("page %q: got no error", page)
		}
	}
}

// The names are how -job chooses, and how readers find their way.
func TestJobs(t *testing.T) {
	seen := map[string]bool{}
	for _, j := range jobs() {
		if seen[j.name] {
			t.Errorf("two jobs are called %q", j.name)
		}
		seen[j.name] = true
		for _, b := range j.bars {
			if missing := b.against == byExecnet && j.execnet == nil || b.against == byBare && j.bare == nil; missing {
				t.Errorf("%s: a bar against %s, which does not do it", j.name, b.against)
			}
			if b.atMost(j.unit) != (b.aim < b.least) {
				t.Errorf("%s: the aim %v is easier than %v", j.name, b.aim, b.least)
			}
		}
	}
}

func TestSummaryNamesWhatIsMissed(t *testing.T) {
	r := newResult(&job{name: "round trip", unit: seconds, bars: []bar{{byExecnet, 1.5, 4}, {byBare, 7, 3}}})
	r.Figures = map[peer][]float64{byLuagw: {90}, byExecnet: {100}, byBare: {10}}
	r.judge()
	got := (&report{Results: []*result{r}}).summary()
	want := "below its bar: round trip: 1.11x, at least 1.50x to execnet; 9.00x, at most 7.00x to bare"
	if !strings.Contains(got, want) {
		t.Errorf("got %q, want it to contain %q", got, want)
	}
}

func TestParse(t *testing.T) {
	for _, args := range [][]string{{"-job", "("}, {"extra"}, {"-rounds", "0"}, {"-update", "-job", "items"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q: got no error", args)
		}
	}
	cfg, err := parse([]string{"-short"})
	if err != nil || cfg.rounds != 3 {
		t.Errorf("-short: got %v and %v, want 3 rounds", cfg, err)
	}
}
