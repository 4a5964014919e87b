package main

import (
	"errors"
	"slices"
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
	for _, j := range slices.Concat(jobs(), sshJobs(), linkJobs()) {
		if seen[j.name] {
			t.Errorf("two jobs are called %q", j.name)
		}
		seen[j.name] = true
		for _, b := range j.bars {
			if b.against != byItself && j.starter(b.against) == nil {
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

// The columns of mitogen are there if it did something, those of execnet always.
func TestColumns(t *testing.T) {
	open := &job{name: "open", unit: seconds, bars: []bar{{byExecnet, 8, 12}, {byBare, 2, 1.5}}}
	least := []string{"8.00x; 2.00x", "12.0x; 1.50x", "bar"}
	tests := []struct {
		name    string
		mitogen func(r *result)
		want    [][]string
	}{
		{
			"without mitogen", func(*result) {},
			[][]string{
				{"work", "luagw", "execnet", "bare", "to execnet", "to bare", "at least", "aim", "verdict"},
				slices.Concat([]string{"open", "2.00 ms", "20.0 ms", "1.00 ms", "10.0x (10.0..10.0)", "2.00x (2.00..2.00)"}, least),
			},
		},
		{
			"with mitogen", func(r *result) { r.add(byMitogen, 0.1, nil) },
			[][]string{
				{"work", "luagw", "execnet", "mitogen", "bare", "to execnet", "to mitogen", "to bare", "at least", "aim", "verdict"},
				slices.Concat([]string{"open", "2.00 ms", "20.0 ms", "100 ms", "1.00 ms", "10.0x (10.0..10.0)", "50.0x (50.0..50.0)", "2.00x (2.00..2.00)"}, least),
			},
		},
		{
			"mitogen failed", func(r *result) { r.add(byMitogen, 0, errors.New("gone")) },
			[][]string{
				{"work", "luagw", "execnet", "mitogen", "bare", "to execnet", "to mitogen", "to bare", "at least", "aim", "verdict"},
				slices.Concat([]string{"open", "2.00 ms", "20.0 ms", "failed", "1.00 ms", "10.0x (10.0..10.0)", "", "2.00x (2.00..2.00)"}, least),
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newResult(open)
			r.add(byLuagw, 0.002, nil)
			r.add(byExecnet, 0.02, nil)
			r.add(byBare, 0.001, nil)
			test.mitogen(r)
			r.judge()
			whole := &report{Results: []*result{r}}
			got := whole.rows()
			if !slices.EqualFunc(got, test.want, slices.Equal) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			for _, row := range got {
				if line := "| " + strings.Join(row, " | ") + " |\n"; !strings.Contains(whole.markdown(), line) {
					t.Errorf("got a page without the line %q:\n%s", line, whole.markdown())
				}
			}
			if strings.Contains(whole.summary(), "failed: open: mitogen: gone") != (r.Errors[byMitogen] != "") {
				t.Errorf("summary: got %q", whole.summary())
			}
			if err := whole.failure(); err != nil {
				t.Errorf("failure: got %v, want nil: it is not luagw's", err)
			}
		})
	}
}

func TestMachineNamesThePeers(t *testing.T) {
	m := machine{Platform: "linux/amd64", CPUs: 2, Go: "go1.26", Execnet: "1.9.0 on Python 3.11.2"}
	want := "linux/amd64, 2 CPUs, go1.26, execnet 1.9.0 on Python 3.11.2, no mitogen"
	if got := m.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	m.Mitogen = "0.3.3 on Python 3.12.0"
	want = "linux/amd64, 2 CPUs, go1.26, execnet 1.9.0 on Python 3.11.2, mitogen 0.3.3 on Python 3.12.0"
	if got := m.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
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
