package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// result is what was found for one job.
type result struct {
	Work    string             `json:"work"`
	Unit    unit               `json:"unit"`
	Figures map[peer][]float64 `json:"figures"` // of each round
	Errors  map[peer]string    `json:"errors,omitempty"`
	Ratios  []ratio            `json:"ratios"`
	Verdict verdict            `json:"verdict"`

	bars []bar
}

// ratio is how luagw compares, in the terms of a [bar].
type ratio struct {
	Against peer    `json:"against"`
	Median  float64 `json:"median"` // ratio of the medians
	Min     float64 `json:"min"`    // of the ratios of the rounds
	Max     float64 `json:"max"`
	Least   float64 `json:"atLeast,omitempty"` // what is asked for; nothing without a bar
	Aim     float64 `json:"aim,omitempty"`     // what is wished for
	Verdict verdict `json:"verdict"`
}

// verdict says how far a job came.
type verdict string

const (
	reachedAim verdict = "aim"
	reachedBar verdict = "bar"
	below      verdict = "below"
	failed     verdict = "failed" // luagw did not do it, or gave a wrong answer
	unknown    verdict = ""       // nobody to compare with
)

func newResult(j *job) *result {
	return &result{
		Work: j.name, Unit: j.unit, bars: j.bars,
		Figures: map[peer][]float64{}, Errors: map[peer]string{},
	}
}

// add notes a measurement. A failure stands for all rounds of its peer. To be
// interrupted is none, nor is what this system has no way to measure.
func (r *result) add(p peer, figure float64, err error) {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		r.Errors[p] = err.Error()
		delete(r.Figures, p)
	default:
		r.Figures[p] = append(r.Figures[p], figure)
	}
}

// judge compares with what there are bars against, and with all rivals. It is
// called once, after the last round.
func (r *result) judge() {
	for _, b := range r.bars {
		if found, ok := r.compare(b.against); ok {
			found.Least, found.Aim, found.Verdict = b.least, b.aim, b.verdict(found.Median, r.Unit)
			r.Ratios = append(r.Ratios, found)
		}
	}
	for _, p := range rivals {
		if slices.ContainsFunc(r.bars, func(b bar) bool { return b.against == p }) {
			continue
		}
		if found, ok := r.compare(p); ok {
			r.Ratios = append(r.Ratios, found)
		}
	}
	r.Verdict = r.worst()
}

// worst is the verdict on the whole: that of the lowest bar.
func (r *result) worst() verdict {
	if r.Errors[byLuagw] != "" {
		return failed
	}
	worst := unknown
	for _, v := range []verdict{reachedAim, reachedBar, below} {
		if slices.ContainsFunc(r.Ratios, func(one ratio) bool { return one.Verdict == v }) {
			worst = v
		}
	}
	return worst
}

// compare holds luagw against one peer; false without figures.
func (r *result) compare(against peer) (ratio, bool) {
	ours, theirs := r.Figures[byLuagw], r.Figures[against]
	if against == byItself {
		theirs = slices.Repeat([]float64{1}, len(ours))
	}
	if len(ours) == 0 || len(theirs) == 0 {
		return ratio{}, false
	}
	over := func(ours, theirs float64) float64 {
		if against.rival() && r.Unit.less() {
			return theirs / ours
		}
		return ours / theirs
	}
	found := ratio{Against: against, Median: over(middle(ours), middle(theirs)), Min: math.Inf(1)}
	for i := range min(len(ours), len(theirs)) {
		one := over(ours[i], theirs[i])
		found.Min, found.Max = min(found.Min, one), max(found.Max, one)
	}
	return found, true
}

// verdict judges a ratio at the precision with which it is shown.
func (b bar) verdict(x float64, u unit) verdict {
	x = math.Round(x*100) / 100
	reaches := func(bar float64) bool {
		if b.atMost(u) {
			return x <= bar
		}
		return x >= bar
	}
	switch {
	case reaches(b.aim):
		return reachedAim
	case reaches(b.least):
		return reachedBar
	}
	return below
}

// atMost says whether the bar is one to stay under.
func (b bar) atMost(u unit) bool { return !b.against.rival() && u.less() }

// show renders a ratio, or what is wanted of it.
func (b bar) show(x float64, u unit) string {
	switch {
	case b.against == byItself:
		return u.format(x)
	case b.against == byBare && !u.less():
		return fmt.Sprintf("%.0f %%", 100*x)
	}
	return digits(x) + "x"
}

// middle is the median.
func middle(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
