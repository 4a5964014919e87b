package std

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Layouts are those of strftime(3). Go's own, by example, would be one more
// thing to know for who writes Lua.

// timeShorthands are conversions that stand for others.
var timeShorthands = entries[byte, string]{
	{'D', "%m/%d/%y"}, {'F', "%Y-%m-%d"}, {'R', "%H:%M"}, {'T', "%H:%M:%S"},
	{'c', "%a %b %e %H:%M:%S %Y"}, {'x', "%m/%d/%y"}, {'X', "%H:%M:%S"},
	{'h', "%b"}, {'n', "\n"}, {'t', "\t"},
}

// timeConversions write one part of a time each.
var timeConversions = entries[byte, func(time.Time) string]{
	{'Y', func(t time.Time) string { return pad(t.Year(), 4) }},
	{'y', func(t time.Time) string { return pad(t.Year()%100, 2) }},
	{'m', func(t time.Time) string { return pad(int(t.Month()), 2) }},
	{'d', func(t time.Time) string { return pad(t.Day(), 2) }},
	{'e', func(t time.Time) string { return fmt.Sprintf("%2d", t.Day()) }},
	{'H', func(t time.Time) string { return pad(t.Hour(), 2) }},
	{'I', func(t time.Time) string { return pad((t.Hour()+11)%12+1, 2) }},
	{'M', func(t time.Time) string { return pad(t.Minute(), 2) }},
	{'S', func(t time.Time) string { return pad(t.Second(), 2) }},
	{'L', func(t time.Time) string { return pad(t.Nanosecond()/1e6, 3) }},
	{'f', func(t time.Time) string { return pad(t.Nanosecond()/1e3, 6) }},
	{'p', func(t time.Time) string { return t.Format("PM") }},
	{'j', func(t time.Time) string { return pad(t.YearDay(), 3) }},
	{'a', func(t time.Time) string { return t.Format("Mon") }},
	{'A', func(t time.Time) string { return t.Format("Monday") }},
	{'b', func(t time.Time) string { return t.Format("Jan") }},
	{'B', func(t time.Time) string { return t.Format("January") }},
	{'u', func(t time.Time) string { return strconv.Itoa((int(t.Weekday())+6)%7 + 1) }},
	{'w', func(t time.Time) string { return strconv.Itoa(int(t.Weekday())) }},
	{'G', func(t time.Time) string { year, _ := t.ISOWeek(); return pad(year, 4) }},
	{'V', func(t time.Time) string { _, week := t.ISOWeek(); return pad(week, 2) }},
	{'z', func(t time.Time) string { return t.Format("-0700") }},
	{'Z', func(t time.Time) string { return t.Format("MST") }},
	{'s', func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }},
	{'%', func(time.Time) string { return "%" }},
}

func pad(n, width int) string { return fmt.Sprintf("%0*d", width, n) }

// expandLayout puts what shorthands stand for in their place.
func expandLayout(layout string) string {
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' || i+1 == len(layout) {
			b.WriteByte(layout[i])
			continue
		}
		i++
		if long, ok := timeShorthands.get(layout[i]); ok {
			b.WriteString(expandLayout(long))
		} else {
			b.WriteString(layout[i-1 : i+1])
		}
	}
	return b.String()
}

// formatTime writes t as layout says.
func formatTime(t time.Time, layout string) (string, error) {
	layout = expandLayout(layout)
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			b.WriteByte(layout[i])
			continue
		}
		i++
		write, err := conversion(layout, i)
		if err != nil {
			return "", err
		}
		b.WriteString(write(t))
	}
	return b.String(), nil
}

// conversion looks up what stands at i, behind a percent sign.
func conversion(layout string, i int) (func(time.Time) string, error) {
	if i == len(layout) {
		return nil, fmt.Errorf("layout %q ends in %%", layout)
	}
	write, ok := timeConversions.get(layout[i])
	if !ok {
		return nil, fmt.Errorf("layout %q: unknown conversion %%%c", layout, layout[i])
	}
	return write, nil
}
