package std

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// durationUnits are in seconds, with the names that durations are written in.
// A unit stands before those whose name begins with its own.
var durationUnits = []struct {
	name    string
	seconds float64
}{
	{"ns", 1e-9}, {"us", 1e-6}, {"µs", 1e-6}, {"ms", 1e-3},
	{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400},
}

// parseDuration reads "1h30m", "1.5s", "-2d" or a bare number of seconds. It
// returns seconds. A day is 24 hours.
func parseDuration(s string) (float64, error) {
	rest, negative := strings.CutPrefix(strings.TrimSpace(s), "-")
	total, err := strconv.ParseFloat(rest, 64)
	if err != nil || !startsNumber(rest) {
		total, err = sumDuration(rest)
	}
	if err != nil {
		return 0, fmt.Errorf("%q: %w", s, err)
	}
	if negative {
		return -total, nil
	}
	return total, nil
}

// startsNumber keeps out the words and signs that ParseFloat takes, as inf.
func startsNumber(s string) bool {
	return s != "" && (isDigit(s[0]) || s[0] == '.')
}

func sumDuration(s string) (total float64, err error) {
	if s == "" {
		return 0, fmt.Errorf("no duration")
	}
	for s != "" {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789."))
		n, err := strconv.ParseFloat(s[:digits], 64)
		if err != nil {
			return 0, fmt.Errorf("number expected at %q", s)
		}
		var unit float64
		if unit, s, err = cutUnit(s[digits:]); err != nil {
			return 0, err
		}
		total += n * unit
	}
	return total, nil
}

func cutUnit(s string) (seconds float64, rest string, err error) {
	for _, unit := range durationUnits {
		if rest, ok := strings.CutPrefix(s, unit.name); ok {
			return unit.seconds, rest, nil
		}
	}
	return 0, "", fmt.Errorf("unit ns, us, ms, s, m, h, d or w expected at %q", s)
}

// formatDuration writes seconds as parseDuration reads them, to the
// nanosecond, with the units that are not zero: "1d2h", "1m30.5s", "250ms".
func formatDuration(seconds float64) string {
	if seconds < 0 {
		return "-" + formatDuration(-seconds)
	}
	if seconds < 1 {
		return formatBelowSecond(seconds)
	}
	whole := math.Floor(seconds)
	fraction := math.Round((seconds-whole)*1e9) / 1e9
	var b strings.Builder
	for _, unit := range []struct {
		name    string
		seconds float64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}} {
		if n := math.Floor(whole / unit.seconds); n > 0 {
			fmt.Fprintf(&b, "%.0f%s", n, unit.name)
			whole -= n * unit.seconds
		}
	}
	if rest := whole + fraction; rest > 0 {
		b.WriteString(trimNumber(rest) + "s")
	}
	return b.String()
}

func formatBelowSecond(seconds float64) string {
	nanos := math.Round(seconds * 1e9)
	switch {
	case nanos == 0:
		return "0s"
	case nanos < 1e3:
		return trimNumber(nanos) + "ns"
	case nanos < 1e6:
		return trimNumber(nanos/1e3) + "us"
	case nanos < 1e9:
		return trimNumber(nanos/1e6) + "ms"
	}
	return "1s"
}

// trimNumber writes up to nine decimals, without the zeros at their end.
func trimNumber(f float64) string {
	s := strconv.FormatFloat(f, 'f', 9, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
