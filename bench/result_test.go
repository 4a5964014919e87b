package main

import (
	"errors"
	"slices"
	"testing"
)

func TestJudge(t *testing.T) {
	tests := []struct {
		name    string
		unit    unit
		bars    []bar
		figures map[peer][]float64
		ratio   float64
		want    verdict
	}{
		{
			"a shorter time than execnet's", seconds, []bar{{byExecnet, 4, 8}},
			map[peer][]float64{byLuagw: {1, 2, 90}, byExecnet: {9, 10, 11}}, 5, reachedBar,
		},
		{
			"a higher rate than execnet's", itemRate, []bar{{byExecnet, 4, 8}},
			map[peer][]float64{byLuagw: {80}, byExecnet: {10}}, 8, reachedAim,
		},
		{
			"too long a time for a bare pipe's", seconds, []bar{{byBare, 2, 1.5}},
			map[peer][]float64{byLuagw: {21}, byBare: {10}}, 2.1, below,
		},
		{
			"a share of a bare pipe's rate", byteRate, []bar{{byBare, 0.4, 0.8}},
			map[peer][]float64{byLuagw: {50}, byBare: {100}}, 0.5, reachedBar,
		},
		{
			"a size for itself", size, []bar{{byItself, 100, 40}},
			map[peer][]float64{byLuagw: {40}}, 40, reachedAim,
		},
		{
			"the precision that is shown", seconds, []bar{{byBare, 1.1, 1}},
			map[peer][]float64{byLuagw: {1.004}, byBare: {1}}, 1.004, reachedAim,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newResult(&job{unit: test.unit, bars: test.bars})
			r.Figures = test.figures
			r.judge()
			if got := r.Ratios[0].Median; got != test.ratio {
				t.Errorf("ratio: got %v, want %v", got, test.ratio)
			}
			if r.Verdict != test.want {
				t.Errorf("verdict: got %q, want %q", r.Verdict, test.want)
			}
		})
	}
}

func TestJudgeTakesTheLowestBar(t *testing.T) {
	r := newResult(&job{unit: seconds, bars: []bar{{byExecnet, 2, 3}, {byBare, 2, 1}}})
	r.Figures = map[peer][]float64{byLuagw: {3}, byExecnet: {30}, byBare: {1}}
	r.judge()
	if r.Verdict != below {
		t.Errorf("verdict: got %q, want %q", r.Verdict, below)
	}
}

func TestJudgeWithoutPeer(t *testing.T) {
	r := newResult(&job{unit: seconds, bars: []bar{{byExecnet, 2, 3}}})
	r.add(byLuagw, 1, nil)
	r.add(byExecnet, 0, errors.New("gone"))
	r.judge()
	if r.Verdict != unknown || len(r.Ratios) != 0 {
		t.Errorf("got verdict %q and %d ratios, want none", r.Verdict, len(r.Ratios))
	}
}

// A rival without a bar is compared with, and nothing is held against it.
func TestJudgeWithoutBar(t *testing.T) {
	tests := []struct {
		name     string
		unit     unit
		figure   float64 // mitogen's; luagw's is 10
		want     float64
		bars     []bar
		verdict  verdict
		verdicts []verdict // of the ratios
	}{
		{"a shorter time", seconds, 50, 5, nil, unknown, []verdict{unknown}},
		{"a lower rate", itemRate, 50, 0.2, nil, unknown, []verdict{unknown}},
		{"less memory, beside a bar", size, 50, 5, []bar{{byItself, 20, 10}}, reachedAim, []verdict{reachedAim, unknown}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newResult(&job{unit: test.unit, bars: test.bars})
			r.Figures = map[peer][]float64{byLuagw: {10}, byMitogen: {test.figure}}
			r.judge()
			last := r.Ratios[len(r.Ratios)-1]
			if last.Against != byMitogen || last.Median != test.want {
				t.Errorf("got %v to %s, want %v to mitogen", last.Median, last.Against, test.want)
			}
			var verdicts []verdict
			for _, one := range r.Ratios {
				verdicts = append(verdicts, one.Verdict)
			}
			if r.Verdict != test.verdict || !slices.Equal(verdicts, test.verdicts) {
				t.Errorf("got verdict %q of %q, want %q of %q", r.Verdict, verdicts, test.verdict, test.verdicts)
			}
		})
	}
}

func TestFailureIsNoVerdictOnSpeed(t *testing.T) {
	r := newResult(&job{unit: seconds, bars: []bar{{byExecnet, 2, 3}}})
	r.add(byLuagw, 1, nil)
	r.add(byLuagw, 0, errors.New("a wrong answer"))
	r.judge()
	if r.Verdict != failed {
		t.Errorf("verdict: got %q, want %q", r.Verdict, failed)
	}
	if err := (&report{Results: []*result{r}}).failure(); err == nil {
		t.Error("failure: got nil, want an error")
	}
}
