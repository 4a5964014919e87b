package ssh

import (
	"context"

	"github.com/luagw/luagw"
)

// MatchPattern and ParseTime are matchPattern and parseTime, for the tests.
var (
	MatchPattern = matchPattern
	ParseTime    = parseTime
)

// Resolved is what the configuration comes to, by the names of ssh -G.
func (d *Dialer) Resolved(ctx context.Context, spec *luagw.Spec) (map[string][]string, error) {
	h, err := d.target(ctx, spec)
	if err != nil {
		return nil, err
	}
	found := map[string][]string{"hostname": {h.addr}, "user": {h.user}}
	for keyword, words := range h.settings {
		if _, ok := found[keyword]; !ok {
			found[keyword] = words
		}
	}
	return found, nil
}

// SystemNotices reads a file as if it were the system's.
func SystemNotices(path string) (told []string, err error) {
	r := &configReader{ctx: context.Background(), final: true, system: true, found: settings{}, note: func(text string) { told = append(told, text) }}
	err = r.read(path, 0, true)
	return told, err
}

// KnownAt tells which lines of files are about a host.
func KnownAt(files, names []string) (lines []int, err error) {
	known, err := readKnown(files, names)
	for _, k := range known {
		lines = append(lines, k.line)
	}
	return lines, err
}
