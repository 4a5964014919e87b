package std

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	glua "github.com/yuin/gopher-lua"
)

// maxClockTime is, in seconds since 1970 and to either side, where C can tell
// no date: its years are 32 bits.
const maxClockTime = 67767976233000000

// dateConversions are those of C's strftime that time.format does not have.
var dateConversions = entries[byte, func(time.Time) string]{
	{'C', func(t time.Time) string { return pad(t.Year()/100, 2) }},
	{'P', func(t time.Time) string { return t.Format("pm") }},
	{'U', func(t time.Time) string { return pad(weekOf(t, time.Sunday), 2) }},
	{'W', func(t time.Time) string { return pad(weekOf(t, time.Monday), 2) }},
	{'Z', zoneName},
	{'g', func(t time.Time) string { year, _ := t.ISOWeek(); return pad(year%100, 2) }},
	{'k', func(t time.Time) string { return fmt.Sprintf("%2d", t.Hour()) }},
	{'l', func(t time.Time) string { return fmt.Sprintf("%2d", (t.Hour()+11)%12+1) }},
	{'r', func(t time.Time) string { return t.Format("03:04:05 PM") }},
}

// weekOf is the week of the year, the first one beginning with the first day
// of the year that is a first day of a week.
func weekOf(t time.Time, first time.Weekday) int {
	sinceFirst := (int(t.Weekday()) - int(first) + 7) % 7
	return (t.YearDay() - 1 + 7 - sinceFirst) / 7
}

// zoneName is C's name of the zone, which for universal time is GMT.
func zoneName(t time.Time) string {
	if t.Location() == time.UTC {
		return "GMT"
	}
	return t.Format("MST")
}

// strftime writes t as layout says, in the C locale. As glibc does, it leaves
// as it is what is no conversion.
func strftime(t time.Time, layout string) string {
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(layout, "%")
		b.WriteString(text)
		if !found {
			return b.String()
		}
		written, width := dateField(t, rest)
		b.WriteString(written)
		layout = rest[width:]
	}
}

// dateField writes the conversion that s begins with, behind its percent sign,
// and returns how much of s it is.
func dateField(t time.Time, s string) (written string, width int) {
	width = 1
	if len(s) > 1 && (s[0] == 'E' || s[0] == 'O') {
		width = 2 // alternative forms, which the C locale does not have
	}
	if len(s) < width {
		return "%", 0
	}
	c := s[width-1]
	if write, ok := dateConversions.get(c); ok {
		return write(t), width
	}
	if write, ok := timeConversions.get(c); ok {
		return write(t), width
	}
	if layout, ok := timeShorthands.get(c); ok {
		return strftime(t, layout), width
	}
	return "%" + s[:width], width
}

// osDate is os.date([layout [, time]]).
func osDate(L *glua.LState) int {
	layout := L.OptString(1, "%c")
	t := time.Now()
	if L.Get(2) != glua.LNil {
		t = checkClockTime(L, 2)
	}
	layout, utc := strings.CutPrefix(layout, "!")
	t = t.In(zone(utc))
	if layout == "*t" {
		L.Push(dateTable(L, t))
		return 1
	}
	L.Push(glua.LString(strftime(t, layout)))
	return 1
}

func checkClockTime(L *glua.LState, arg int) time.Time {
	seconds := float64(L.CheckNumber(arg))
	if !(math.Abs(seconds) <= maxClockTime) {
		L.ArgError(arg, fmt.Sprintf("time %v has no date", seconds))
	}
	return time.Unix(int64(math.Floor(seconds)), 0)
}

func dateTable(L *glua.LState, t time.Time) *glua.LTable {
	date := L.CreateTable(0, 9)
	for key, n := range map[string]int{
		"year": t.Year(), "month": int(t.Month()), "day": t.Day(),
		"hour": t.Hour(), "min": t.Minute(), "sec": t.Second(),
		"wday": int(t.Weekday()) + 1, "yday": t.YearDay(),
	} {
		date.RawSetString(key, glua.LNumber(n))
	}
	date.RawSetString("isdst", glua.LBool(t.IsDST()))
	return date
}

func osDiffTime(L *glua.LState) int {
	L.Push(L.CheckNumber(1) - L.OptNumber(2, 0))
	return 1
}

// osTime is os.time([date]). Parts may lie outside of their ranges: the day 0
// is the last of the month before.
func osTime(L *glua.LState) int {
	if L.Get(1) == glua.LNil {
		L.Push(glua.LNumber(time.Now().Unix()))
		return 1
	}
	date := L.CheckTable(1)
	part := func(key string) int { return checkDatePart(L, date, key) }
	t := time.Date(part("year"), time.Month(part("month")), part("day"),
		part("hour"), part("min"), part("sec"), 0, time.Local)
	if summer, ok := L.GetField(date, "isdst").(glua.LBool); ok {
		t = inSummer(t, bool(summer))
	}
	L.Push(glua.LNumber(t.Unix()))
	return 1
}

// datePartDefaults are what parts of a date are if they are missing. The
// others must be there.
var datePartDefaults = entries[string, int]{{"hour", 12}, {"min", 0}, {"sec", 0}}

func checkDatePart(L *glua.LState, date *glua.LTable, key string) int {
	v := L.GetField(date, key)
	n, ok := datePart(v)
	if !ok {
		missing, known := datePartDefaults.get(key)
		if !known {
			L.RaiseError("field '%s' missing in date table", key)
		}
		return missing
	}
	if !(math.Abs(n) <= math.MaxInt32) {
		L.RaiseError("field '%s' is out of range: %s", key, v)
	}
	return int(n)
}

// datePart reads a number, or a string that Lua would take for one.
func datePart(v glua.LValue) (n float64, ok bool) {
	switch v := v.(type) {
	case glua.LNumber:
		return float64(v), true
	case glua.LString:
		text := strings.ToLower(strings.TrimSpace(string(v)))
		if digits, hex := strings.CutPrefix(text, "0x"); hex {
			whole, err := strconv.ParseUint(digits, 16, 64)
			return float64(whole), err == nil
		}
		n, err := strconv.ParseFloat(text, 64)
		return n, err == nil
	}
	return 0, false
}

// inSummer returns the time at which clocks that keep summer time, or do not,
// show what t shows. In a zone without both that is t.
func inSummer(t time.Time, summer bool) time.Time {
	if t.IsDST() == summer {
		return t
	}
	start, end := t.ZoneBounds()
	for _, other := range []time.Time{start.Add(-time.Second), end} {
		if other.IsZero() || other.IsDST() != summer {
			continue
		}
		_, offset := t.Zone()
		_, otherOffset := other.Zone()
		return t.Add(time.Duration(offset-otherOffset) * time.Second)
	}
	return t
}
