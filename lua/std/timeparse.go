package std

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// timeParts is what a text says of a time; what it does not say is as the
// first moment of 1970.
type timeParts struct {
	year, month, day      int
	hour, min, sec, nanos int
	twelve, afternoon     bool // hour is of a 12 hour clock, and past noon
	zone                  *time.Location
	stamp                 int64 // seconds since 1970, which stand for all else
	hasStamp              bool
}

// timeReaders take the part that a conversion stands for from the start of s.
var timeReaders = entries[byte, func(p *timeParts, s string) (rest string, ok bool)]{
	{'Y', func(p *timeParts, s string) (string, bool) { return readNumber(s, 4, 0, 9999, &p.year) }},
	{'y', readShortYear},
	{'m', func(p *timeParts, s string) (string, bool) { return readNumber(s, 2, 1, 12, &p.month) }},
	{'d', func(p *timeParts, s string) (string, bool) { return readNumber(s, 2, 1, 31, &p.day) }},
	{'e', func(p *timeParts, s string) (string, bool) {
		return readNumber(strings.TrimPrefix(s, " "), 2, 1, 31, &p.day)
	}},
	{'H', func(p *timeParts, s string) (string, bool) { return readNumber(s, 2, 0, 23, &p.hour) }},
	{'I', func(p *timeParts, s string) (string, bool) {
		p.twelve = true
		return readNumber(s, 2, 1, 12, &p.hour)
	}},
	{'M', func(p *timeParts, s string) (string, bool) { return readNumber(s, 2, 0, 59, &p.min) }},
	{'S', func(p *timeParts, s string) (string, bool) { return readNumber(s, 2, 0, 60, &p.sec) }},
	{'L', func(p *timeParts, s string) (string, bool) { return readFraction(s, 3, &p.nanos) }},
	{'f', func(p *timeParts, s string) (string, bool) { return readFraction(s, 6, &p.nanos) }},
	{'p', readHalf},
	{'a', readWeekday}, {'A', readWeekday},
	{'b', readMonth}, {'B', readMonth},
	{'z', readOffset}, {'Z', readZoneName},
	{'s', readStamp},
	{'%', func(_ *timeParts, s string) (string, bool) { return strings.CutPrefix(s, "%") }},
}

// checkLayout reports what no text can be parsed with.
func checkLayout(layout string) error {
	layout = expandLayout(layout)
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			continue
		}
		i++
		if _, err := conversion(layout, i); err != nil {
			return err
		}
		if _, ok := timeReaders.get(layout[i]); !ok {
			return fmt.Errorf("layout %q: %%%c can be written but not parsed", layout, layout[i])
		}
	}
	return nil
}

// parseTime reads s as a layout that checkLayout has passed says. A time
// without a zone is of zone.
func parseTime(s, layout string, zone *time.Location) (time.Time, error) {
	p := timeParts{year: 1970, month: 1, day: 1, zone: zone}
	long, rest := expandLayout(layout), s
	for i := 0; i < len(long); i++ {
		ok := false
		if long[i] == '%' {
			i++
			read, _ := timeReaders.get(long[i])
			rest, ok = read(&p, rest)
		} else {
			rest, ok = strings.CutPrefix(rest, long[i:i+1])
		}
		if !ok {
			return time.Time{}, fmt.Errorf("%q does not fit layout %q at %q", s, layout, rest)
		}
	}
	if rest != "" {
		return time.Time{}, fmt.Errorf("%q: %q is left over after layout %q", s, rest, layout)
	}
	return p.time(s)
}

func (p *timeParts) time(s string) (time.Time, error) {
	if p.hasStamp {
		return time.Unix(p.stamp, int64(p.nanos)), nil
	}
	if p.twelve {
		p.hour %= 12
		if p.afternoon {
			p.hour += 12
		}
	}
	t := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.min, p.sec, p.nanos, p.zone)
	if last := time.Date(p.year, time.Month(p.month)+1, 0, 0, 0, 0, 0, time.UTC).Day(); p.day > last {
		return time.Time{}, fmt.Errorf("%q: the month has no day %d", s, p.day)
	}
	return t, nil
}

// readNumber takes up to width digits.
func readNumber(s string, width, least, most int, n *int) (rest string, ok bool) {
	size := 0
	for size < min(width, len(s)) && isDigit(s[size]) {
		size++
	}
	v, err := strconv.Atoi(s[:size])
	if err != nil || v < least || v > most {
		return s, false
	}
	*n = v
	return s[size:], true
}

// readFraction takes up to width digits behind the point of a second.
func readFraction(s string, width int, nanos *int) (rest string, ok bool) {
	n := 0
	rest, ok = readNumber(s, width, 0, 999999, &n)
	for range 9 - (len(s) - len(rest)) {
		n *= 10
	}
	*nanos = n
	return rest, ok
}

// readShortYear takes two digits; as POSIX has it, 69 to 99 are of the last
// century.
func readShortYear(p *timeParts, s string) (string, bool) {
	rest, ok := readNumber(s, 2, 0, 99, &p.year)
	if p.year < 69 {
		p.year += 100
	}
	p.year += 1900
	return rest, ok
}

func readHalf(p *timeParts, s string) (string, bool) {
	if len(s) < 2 {
		return s, false
	}
	half := strings.ToUpper(s[:2])
	p.afternoon = half == "PM"
	return s[2:], p.afternoon || half == "AM"
}

func readWeekday(_ *timeParts, s string) (string, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if rest, ok := cutName(s, day.String()); ok {
			return rest, true
		}
	}
	return s, false
}

func readMonth(p *timeParts, s string) (string, bool) {
	for month := time.January; month <= time.December; month++ {
		if rest, ok := cutName(s, month.String()); ok {
			p.month = int(month)
			return rest, true
		}
	}
	return s, false
}

// cutName takes name or its first three letters, in any case.
func cutName(s, name string) (rest string, ok bool) {
	for _, form := range []string{name, name[:3]} {
		if len(s) >= len(form) && strings.EqualFold(s[:len(form)], form) {
			return s[len(form):], true
		}
	}
	return s, false
}

// readOffset takes Z, +hhmm or +hh:mm.
func readOffset(p *timeParts, s string) (string, bool) {
	if rest, ok := strings.CutPrefix(s, "Z"); ok {
		p.zone = time.UTC
		return rest, true
	}
	if s == "" || s[0] != '+' && s[0] != '-' {
		return s, false
	}
	var hours, minutes int
	rest, ok := readNumber(s[1:], 2, 0, 24, &hours)
	if ok {
		rest, ok = readNumber(strings.TrimPrefix(rest, ":"), 2, 0, 59, &minutes)
	}
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	p.zone = time.FixedZone("", seconds)
	return rest, ok
}

// readZoneName takes the names of UTC. Other abbreviations stand for several
// zones each.
func readZoneName(p *timeParts, s string) (string, bool) {
	for _, name := range []string{"UTC", "GMT", "Z"} {
		if rest, ok := strings.CutPrefix(s, name); ok {
			p.zone = time.UTC
			return rest, true
		}
	}
	return s, false
}

// readStamp takes seconds since 1970, which an int of 32 bits may not hold.
func readStamp(p *timeParts, s string) (string, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	rest := strings.TrimLeft(digits, "0123456789")
	stamp, err := strconv.ParseInt(digits[:len(digits)-len(rest)], 10, 64)
	if err != nil || stamp > maxTime {
		return s, false
	}
	if negative {
		stamp = -stamp
	}
	p.stamp, p.hasStamp = stamp, true
	return rest, true
}
