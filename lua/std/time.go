package std

import (
	"context"
	"fmt"
	"math"
	"time"

	glua "github.com/yuin/gopher-lua"
)

// processStart is the origin of time.monotonic.
var processStart = time.Now()

// timeLibrary gives times as seconds since 1970, with a fraction.
func timeLibrary() Library {
	return Library{
		Name: "time",
		Funcs: map[string]glua.LGFunction{
			"now":             timeNow,
			"monotonic":       timeMonotonic,
			"sleep":           timeSleep,
			"format":          timeFormat,
			"parse":           timeParse,
			"date":            timeDate,
			"timestamp":       timeTimestamp,
			"parse_duration":  timeParseDuration,
			"format_duration": timeFormatDuration,
		},
	}
}

func timeNow(L *glua.LState) int {
	L.Push(secondsOf(time.Now()))
	return 1
}

func timeMonotonic(L *glua.LState) int {
	L.Push(glua.LNumber(time.Since(processStart).Seconds()))
	return 1
}

// timeSleep is time.sleep(seconds) and the global sleep. It raises when the
// fragment is cancelled.
func timeSleep(L *glua.LState) int {
	seconds := float64(L.CheckNumber(1))
	if !(seconds >= 0) {
		L.ArgError(1, fmt.Sprintf("%v is not a time to sleep", seconds))
	}
	if err := sleep(Of(L).Context(), seconds); err != nil {
		L.RaiseError("sleep: %s", err.Error())
	}
	return 0
}

// sleep waits for a number of seconds, or until ctx ends, whose cause it then
// returns.
func sleep(ctx context.Context, seconds float64) error {
	wait := time.Duration(math.MaxInt64)
	if seconds < wait.Seconds() {
		wait = time.Duration(seconds * float64(time.Second))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func secondsOf(t time.Time) glua.LNumber {
	return glua.LNumber(float64(t.Unix()) + float64(t.Nanosecond())/1e9)
}

// maxTime is the last second of the year 9999, minTime the first of year 0:
// what RFC 3339 can say.
const (
	minTime = -62167219200
	maxTime = 253402300799
)

// checkTime returns the time at argument arg, in UTC or the local zone.
func checkTime(L *glua.LState, arg int, utc bool) time.Time {
	seconds := float64(L.CheckNumber(arg))
	if !(seconds >= minTime && seconds < maxTime+1) {
		L.ArgError(arg, fmt.Sprintf("time %v is not within the years 0 to 9999", seconds))
	}
	whole := math.Floor(seconds)
	// A float64 holds today's times to a quarter of a microsecond; more
	// digits than these would be noise.
	micros := int64(math.Round((seconds - whole) * 1e6))
	return time.Unix(int64(whole), micros*1000).In(zone(utc))
}

func zone(utc bool) *time.Location {
	if utc {
		return time.UTC
	}
	return time.Local
}

// layoutArguments reads the layout and the options which follow a time or a
// text; either may be missing.
func layoutArguments(L *glua.LState) (layout string, utc bool) {
	optionsAt := 3
	if L.Get(2).Type() == glua.LTTable {
		optionsAt = 2
	} else {
		layout = L.OptString(2, "rfc3339")
	}
	if layout == "" {
		layout = "rfc3339"
	}
	return layout, checkOptions(L, optionsAt, "utc").bool("utc", false)
}

func timeFormat(L *glua.LState) int {
	layout, utc := layoutArguments(L)
	t := checkTime(L, 1, utc)
	if layout == "rfc3339" {
		L.Push(glua.LString(t.Format(time.RFC3339Nano)))
		return 1
	}
	text, err := formatTime(t, layout)
	if err != nil {
		L.ArgError(2, err.Error())
	}
	L.Push(glua.LString(text))
	return 1
}

// timeParse is time.parse(s, layout, options). A text that does not fit is a
// condition of the world; a layout that is none is a mistake.
func timeParse(L *glua.LState) int {
	s := L.CheckString(1)
	layout, utc := layoutArguments(L)
	if layout == "rfc3339" {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return fail(L, fmt.Errorf("time.parse: %q is not as in 2006-01-02T15:04:05Z", s))
		}
		L.Push(secondsOf(t))
		return 1
	}
	if err := checkLayout(layout); err != nil {
		L.ArgError(2, err.Error())
	}
	t, err := parseTime(s, layout, zone(utc))
	if err != nil {
		return fail(L, fmt.Errorf("time.parse: %w", err))
	}
	L.Push(secondsOf(t))
	return 1
}

// timeDate is time.date(t, options): a time in its parts, named as os.date
// names them.
func timeDate(L *glua.LState) int {
	t := time.Now()
	if L.Get(1) != glua.LNil {
		t = checkTime(L, 1, false)
	}
	t = t.In(zone(checkOptions(L, 2, "utc").bool("utc", false)))
	name, offset := t.Zone()
	date := L.CreateTable(0, 11)
	for key, n := range map[string]int{
		"year": t.Year(), "month": int(t.Month()), "day": t.Day(),
		"hour": t.Hour(), "min": t.Minute(), "sec": t.Second(), "nsec": t.Nanosecond(),
		"wday": int(t.Weekday()) + 1, "yday": t.YearDay(), "offset": offset,
	} {
		date.RawSetString(key, glua.LNumber(n))
	}
	date.RawSetString("zone", glua.LString(name))
	date.RawSetString("isdst", glua.LBool(t.IsDST()))
	L.Push(date)
	return 1
}

// timeTimestamp is time.timestamp(date, options), the inverse of time.date. As
// for os.time, parts may lie outside of their ranges and are carried over.
func timeTimestamp(L *glua.LState) int {
	date := L.CheckTable(1)
	utc := checkOptions(L, 2, "utc").bool("utc", false)
	part := func(key string, missing int) int {
		v := date.RawGetString(key)
		if v == glua.LNil && missing >= 0 {
			return missing
		}
		n, ok := ToInt64(v)
		if !ok || n != int64(int32(n)) {
			L.ArgError(1, fmt.Sprintf("date part %q: whole number expected, got %s", key, v))
		}
		return int(n)
	}
	t := time.Date(part("year", -1), time.Month(part("month", -1)), part("day", -1),
		part("hour", 12), part("min", 0), part("sec", 0), part("nsec", 0), zone(utc))
	L.Push(secondsOf(t))
	return 1
}

func timeParseDuration(L *glua.LState) int {
	seconds, err := parseDuration(L.CheckString(1))
	if err != nil {
		return fail(L, fmt.Errorf("time.parse_duration: %w", err))
	}
	L.Push(glua.LNumber(seconds))
	return 1
}

func timeFormatDuration(L *glua.LState) int {
	seconds := float64(L.CheckNumber(1))
	if math.IsNaN(seconds) || math.Abs(seconds) > maxExact {
		L.ArgError(1, fmt.Sprintf("%v is no duration", seconds))
	}
	L.Push(glua.LString(formatDuration(seconds)))
	return 1
}
