package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/luagw/luagw"
)

// report is all that was found.
type report struct {
	Machine machine   `json:"machine"`
	Rounds  int       `json:"rounds"`
	Results []*result `json:"results"`
}

// machine is where it was found, and with what.
type machine struct {
	Platform string `json:"platform"` // as GOOS/GOARCH
	CPUs     int    `json:"cpus"`
	Load     string `json:"load,omitempty"` // average before the first job; empty where it is not known
	Go       string `json:"go"`
	Luagw    string `json:"luagw"`
	Execnet  string `json:"execnet,omitempty"` // and its Python; empty if it was not there
	Mitogen  string `json:"mitogen,omitempty"` // the same
}

// newMachine looks at this machine, before the jobs keep it busy.
func newMachine(python map[peer]*pythonPeer) machine {
	m := machine{
		Platform: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Load: load(),
		Go: runtime.Version(), Luagw: luagw.Version(),
	}
	if p := python[byExecnet]; p != nil {
		m.Execnet = p.version
	}
	if p := python[byMitogen]; p != nil {
		m.Mitogen = p.version
	}
	return m
}

// load is how many threads wanted to run in the last minute, where Linux tells.
func load() string {
	averages, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	lastMinute, _, _ := strings.Cut(string(averages), " ")
	return lastMinute
}

func (m machine) String() string {
	parts := []string{m.Platform, fmt.Sprintf("%d CPUs", m.CPUs)}
	if m.Load != "" {
		parts = append(parts, "load "+m.Load+" beforehand")
	}
	parts = append(parts, m.Go, named(byExecnet, m.Execnet), named(byMitogen, m.Mitogen))
	return strings.Join(parts, ", ")
}

// named tells the version of a peer, or that it was not there.
func named(p peer, version string) string {
	if version == "" {
		return "no " + string(p)
	}
	return string(p) + " " + version
}

// shown are the peers with columns of their own: mitogen, against which there
// are no bars, only where it did something.
func (r *report) shown() []peer {
	did := func(one *result) bool { return one.cell(byMitogen) != "" }
	if slices.ContainsFunc(r.Results, did) {
		return peers
	}
	return slices.DeleteFunc(slices.Clone(peers), func(p peer) bool { return p == byMitogen })
}

// rows are the cells of the table, headings first.
func (r *report) rows() [][]string {
	shown := r.shown()
	rows := [][]string{headings(shown)}
	for _, one := range r.Results {
		rows = append(rows, one.row(shown))
	}
	return rows
}

// headings of the table: figures of the peers, and ratios to all but luagw.
func headings(shown []peer) []string {
	row := []string{"work"}
	for _, p := range shown {
		row = append(row, string(p))
	}
	for _, p := range shown[1:] {
		row = append(row, "to "+string(p))
	}
	return append(row, "at least", "aim", "verdict")
}

func (r *result) row(shown []peer) []string {
	row := []string{r.Work}
	for _, p := range shown {
		row = append(row, r.cell(p))
	}
	for _, p := range shown[1:] {
		row = append(row, r.ratioTo(p))
	}
	var least, aim []string
	for _, b := range r.bars {
		least = append(least, b.show(b.least, r.Unit))
		aim = append(aim, b.show(b.aim, r.Unit))
	}
	return append(row, strings.Join(least, "; "), strings.Join(aim, "; "), string(r.Verdict))
}

// cell is a peer's median, and its smallest and largest figure.
func (r *result) cell(p peer) string {
	figures := r.Figures[p]
	switch {
	case r.Errors[p] != "":
		return "failed"
	case len(figures) == 0:
		return ""
	case len(figures) == 1:
		return r.Unit.format(figures[0])
	}
	return spread(r.Unit.format(middle(figures)), r.Unit.format(slices.Min(figures)), r.Unit.format(slices.Max(figures)))
}

func (r *result) ratioTo(p peer) string {
	for _, one := range r.Ratios {
		if one.Against == p {
			b := bar{against: p}
			return spread(b.show(one.Median, r.Unit), b.show(one.Min, r.Unit), b.show(one.Max, r.Unit))
		}
	}
	return ""
}

// spread renders a figure with its range, in which the unit is not repeated
// where it is the same.
func spread(middle, least, most string) string {
	unitOf := func(s string) string { return strings.TrimLeft(s, "0123456789.") }
	if unitOf(least) == unitOf(most) && unitOf(least) == unitOf(middle) {
		least, most = strings.TrimSuffix(least, unitOf(least)), strings.TrimSuffix(most, unitOf(most))
	}
	return fmt.Sprintf("%s (%s..%s)", middle, least, most)
}

// text is the whole report, for a terminal.
func (r *report) text() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%v; medians of %d rounds (least..most)\n\n", r.Machine, r.Rounds)
	rows := r.rows()
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		s.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	s.WriteString("\n" + r.summary())
	return s.String()
}

// summary says what is missing, a line each.
func (r *report) summary() string {
	var s strings.Builder
	counts := map[verdict]int{}
	for _, one := range r.Results {
		counts[one.Verdict]++
		for _, p := range peers {
			if text := one.Errors[p]; text != "" {
				fmt.Fprintf(&s, "failed: %s: %s: %s\n", one.Work, p, text)
			}
		}
		if one.Verdict == below {
			fmt.Fprintf(&s, "below its bar: %s: %s\n", one.Work, one.missed())
		}
	}
	fmt.Fprintf(&s, "%d at the aim, %d at the bar, %d below it\n", counts[reachedAim], counts[reachedBar], counts[below])
	return s.String()
}

// missed tells of the bars that were not reached.
func (r *result) missed() string {
	var parts []string
	for _, one := range r.Ratios {
		if one.Verdict != below {
			continue
		}
		b := bar{against: one.Against}
		limit := "at least"
		if b.atMost(r.Unit) {
			limit = "at most"
		}
		part := fmt.Sprintf("%s, %s %s", b.show(one.Median, r.Unit), limit, b.show(one.Least, r.Unit))
		if one.Against != byItself {
			part = fmt.Sprintf("%s to %s", part, one.Against)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

// save writes what the command line asks for.
func (r *report) save(cfg *config) error {
	if cfg.json != "" {
		b, err := json.MarshalIndent(r, "", "\t")
		if err != nil {
			return err
		}
		if err := os.WriteFile(cfg.json, append(b, '\n'), 0o666); err != nil {
			return err
		}
	}
	if cfg.update {
		return r.updatePage()
	}
	return nil
}

// failure is an error if luagw did not do all that was asked.
func (r *report) failure() error {
	n := 0
	for _, one := range r.Results {
		if one.Verdict == failed {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%d kinds of work failed", n)
	}
	return nil
}
