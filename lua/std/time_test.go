package std

import (
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTime(t *testing.T) {
	const stamp = "1700000000.25" // 2023-11-14 22:13:20.25 UTC, a Tuesday
	utc := func(layout string) string {
		return `return time.format(` + stamp + `, "` + layout + `", {utc = true})`
	}
	parse := func(s, layout string) string {
		return `local t, err = time.parse("` + s + `", "` + layout + `", {utc = true}); return t and string.format("%.6f", t) or err`
	}
	runEvalTests(t, []evalTest{
		{"rfc3339", utc("rfc3339"), "2023-11-14T22:13:20.25Z"},
		{"rfc3339 is the default", `return time.format(` + stamp + `, {utc = true})`, "2023-11-14T22:13:20.25Z"},
		{"date and time", utc("%Y-%m-%d %H:%M:%S"), "2023-11-14 22:13:20"},
		{"fractions", utc("%S.%L %S.%f"), "20.250 20.250000"},
		{"names", utc("%a %A %b %B %p"), "Tue Tuesday Nov November PM"},
		{"numbers", utc("%y %e %I %j %u %w %G-W%V %s"), "23 14 10 318 2 2 2023-W46 1700000000"},
		{"shorthands", utc("%F %T %R %D %c %x %X %h"), "2023-11-14 22:13:20 22:13 11/14/23 Tue Nov 14 22:13:20 2023 11/14/23 22:13:20 Nov"},
		{"zones", utc("%z %Z %%"), "+0000 UTC %"},
		{"before 1970", `return time.format(-0.5, {utc = true})`, "1969-12-31T23:59:59.5Z"},
		{"unknown conversion", utc("%Q"), `bad argument #2 to format (layout "%Q": unknown conversion %Q)`},
		{"percent at the end", utc("10%"), `bad argument #2 to format (layout "10%" ends in %)`},
		{"no time", `return time.format(0/0)`, "bad argument #1 to format (time NaN is not within the years 0 to 9999)"},
		{"unknown option", `return time.format(0, {ut = true})`, `bad argument #2 to format (unknown option "ut" (did you mean "utc"?))`},

		{"parse rfc3339", `return time.parse("2023-11-14T23:13:20.25+01:00") == ` + stamp, "true"},
		{"parse no rfc3339", `return time.parse("2023-11-14")`, `nil time.parse: "2023-11-14" is not as in 2006-01-02T15:04:05Z`},
		{"parse date and time", parse("2023-11-14 22:13:20.25", "%F %T.%f"), "1700000000.250000"},
		{"parse a date", parse("2023-11-14", "%Y-%m-%d"), "1699920000.000000"},
		{"parse names", parse("tuesday,  4 nov 2023 10:13 pm", "%A, %e %b %Y %I:%M %p"), "1699135980.000000"},
		{"parse noon and midnight", parse("12 AM", "%I %p"), "0.000000"},
		{"parse an offset", parse("2023-11-14 17:13:20 -0500", "%F %T %z"), "1700000000.000000"},
		{"parse a short year", parse("68-01-01", "%y-%m-%d"), "3092601600.000000"},
		{"parse a stamp", parse("-1700000000", "%s"), "-1700000000.000000"},
		{"parse no such day", parse("2023-02-29", "%F"), `time.parse: "2023-02-29": the month has no day 29`},
		{"parse no such month", parse("2023-13-01", "%F"), `time.parse: "2023-13-01" does not fit layout "%F" at "13-01"`},
		{"parse another zone", parse("10:00 CST", "%R %Z"), `time.parse: "10:00 CST" does not fit layout "%R %Z" at "CST"`},
		{"parse too much", parse("2023-11-14x", "%F"), `time.parse: "2023-11-14x": "x" is left over after layout "%F"`},
		{"parse by a layout that cannot", parse("5", "%j"), `bad argument #2 to parse (layout "%j": %j can be written but not parsed)`},

		{"date", `local d = time.date(` + stamp + `, {utc = true}); return d.year, d.month, d.day, d.hour, d.min, d.sec, d.nsec, d.wday, d.yday, d.isdst, d.zone, d.offset`,
			"2023 11 14 22 13 20 250000000 3 318 false UTC 0"},
		{"date is as os.date", `local a, b = time.date(0, {utc = true}), os.date("!*t", 0); b.yday = nil; for k, v in pairs(b) do assert(a[k] == v, k) end return "same"`, "same"},
		{"timestamp", `return time.timestamp(time.date(` + stamp + `, {utc = true}), {utc = true}) == ` + stamp, "true"},
		{"timestamp carries over", `return time.timestamp({year = 1970, month = 1, day = 32, hour = 0}, {utc = true})`, "2678400"},
		{"timestamp without a part", `return time.timestamp({year = 1970, month = 1})`, `bad argument #1 to timestamp (date part "day": whole number expected, got nil)`},

		{"parse_duration", `return time.parse_duration("1h30m"), time.parse_duration("-1.5s"), time.parse_duration("2d"), time.parse_duration("90")`, "5400 -1.5 172800 90"},
		{"parse_duration of a word", `return time.parse_duration("inf")`, `nil time.parse_duration: "inf": number expected at "inf"`},
		{"parse_duration without a unit", `return time.parse_duration("1h30")`, `nil time.parse_duration: "1h30": unit ns, us, ms, s, m, h, d or w expected at ""`},
		{"parse_duration of nothing", `return time.parse_duration("-")`, `nil time.parse_duration: "-": no duration`},
		{"format_duration", `return time.format_duration(5400), time.format_duration(-90061.5), time.format_duration(0)`, "1h30m -1d1h1m1.5s 0s"},
		{"format_duration below a second", `return time.format_duration(0.25), time.format_duration(0.0000015), time.format_duration(2e-9)`, "250ms 1.5us 2ns"},
		{"format_duration of none", `return time.format_duration(1/0)`, "bad argument #1 to format_duration (+Inf is no duration)"},
		{"monotonic", `local a = time.monotonic(); return a >= 0 and time.monotonic() >= a`, "true"},
		{"now", `return time.now() > 1.6e9`, "true"},
		{"sleep", `time.sleep(0); sleep(0)`, ""},
		{"sleep backwards", `time.sleep(-1)`, "bad argument #1 to sleep (-1 is not a time to sleep)"},
	})
}

func TestSleepIsCancelled(t *testing.T) {
	box := newSandbox(t)
	box.cancel(errors.New("enough"))
	if got := box.eval(`time.sleep(1/0)`); !strings.Contains(got, "enough") && !strings.Contains(got, "context canceled") {
		t.Errorf("got %q, want the cause", got)
	}
}

func TestSleepWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := sleep(t.Context(), 1.5); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != 1500*time.Millisecond {
			t.Errorf("got %v, want 1.5s", got)
		}
	})
}

func TestDurationsRoundTrip(t *testing.T) {
	for _, seconds := range []float64{0, 1e-9, 0.001, 0.9999999999, 1, 59.999999999, 60, 3600, 86400, 1e6 + 0.125, 1e9} {
		text := formatDuration(seconds)
		got, err := parseDuration(text)
		if err != nil || math.Abs(got-seconds) > 1e-9 {
			t.Errorf("%v: %q reads back as %v, %v", seconds, text, got, err)
		}
	}
}
