package std

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	glua "github.com/yuin/gopher-lua"
)

// inZone makes the local zone another one while a test runs.
func inZone(t *testing.T, name string) {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Skipf("no zone %s: %v", name, err)
	}
	local := time.Local
	time.Local = zone
	t.Cleanup(func() { time.Local = local })
}

func TestOSDate(t *testing.T) {
	runIOTests(t, []evalTest{
		{"default", `return os.date("!%c", 0)`, "Thu Jan  1 00:00:00 1970"},
		{"date", `return os.date("!%a %A %b %B %h %C %d %e %y %Y %m %j %D %F %x", 1e9)`, "Sun Sunday Sep September Sep 20 09  9 01 2001 09 252 09/09/01 2001-09-09 09/09/01"},
		{"time", `return os.date("!%H %I %k %l %M %S %p %P %r %R %T %X %s", 1e9 + 43200)`, "13 01 13  1 46 40 PM pm 01:46:40 PM 13:46 13:46:40 13:46:40 1000043200"},
		{"week", `return os.date("!%U %W %V %G %g %u %w", 1e9), os.date("!%U %W %V %G", 0)`, "36 36 36 2001 01 7 0 00 00 01 1970"},
		{"zone", `return os.date("!%z %Z", 0)`, "+0000 GMT"},
		{"alternative forms", `return os.date("!%EY %Od", 0)`, "1970 01"},
		{"others", `return os.date("!%n%t%%%Q%E", 0)`, "\n\t%%Q%E"},
		{"empty", `return #os.date("")`, "0"},
		{"fraction", `return os.date("!%S", 59.9), os.date("!%S", -0.5)`, "59 59"},
		{"nil", `return #os.date(nil, nil) > 20`, "true"},
		{"far away", `return os.date("!%Y", -1e12)`, "-29719"},
		{"too far away", `os.date("%c", 1e300)`, "bad argument #2 to date (time 1e+300 has no date)"},
		{"no number", `os.date("%c", 0/0)`, "bad argument #2 to date (time NaN has no date)"},
		{"table", `local d = os.date("!*t", 1e9) return d.year, d.month, d.day, d.hour, d.min, d.sec, d.wday, d.yday, d.isdst`, "2001 9 9 1 46 40 1 252 false"},
		{"there and back", `local n = os.time() return os.time(os.date("*t", n)) == n`, "true"},
	})
}

func TestOSTime(t *testing.T) {
	inZone(t, "Europe/Berlin")
	runIOTests(t, []evalTest{
		{"noon by default", `return os.time{year=2000, month=1, day=1}`, "946724400"},
		{"summer", `return os.time{year=2000, month=7, day=1}`, "962445600"},
		{"strings", `return os.time{year=" 0x7d0", month="01", day="1 "}`, "946724400"},
		{"fractions are cut", `return os.time{year=2000, month=1.9, day=1, sec=0.9}`, "946724400"},
		{"carries over", `local d = os.date("*t", os.time{year=2000, month=14, day=0, min=-1, isdst=false}) return d.year, d.month, d.day, d.hour, d.min`, "2001 1 31 11 59"},
		{"winter time in summer", `return os.time{year=2000, month=7, day=1, isdst=false} - os.time{year=2000, month=7, day=1}`, "3600"},
		{"summer time in winter", `return os.time{year=2000, month=1, day=1, isdst=true} - os.time{year=2000, month=1, day=1}`, "-3600"},
		{"the hour that is there twice", `local t = {year=2024, month=10, day=27, hour=2, min=30, isdst=true} local a = os.time(t) t.isdst = false return a, os.time(t)`, "1729989000 1729992600"},
		{"twice and back", `for n = 1729980000, 1729999999, 600 do assert(os.time(os.date("*t", n)) == n, n) end`, ""},
		{"day is missing", `os.time{year=2000, month=1}`, "field 'day' missing in date table"},
		{"out of range", `os.time{year=1e20, month=1, day=1}`, "field 'year' is out of range: ..."},
		{"no table", `os.time(1)`, "bad argument #1 to time (table expected, got number)"},
		{"zone", `return os.date("%z %Z", 962445600), os.date("%H", 962445600), os.date("*t", 962445600).isdst`, "+0200 CEST 12 true"},
		{"difference", `return os.difftime(5, 2), os.difftime(5)`, "3 5"},
	})
}

func TestOSFiles(t *testing.T) {
	runIOTests(t, []evalTest{
		{"remove", `io.open("x", "w"):close() return os.remove("x"), io.open("x")`, "true nil x: No such file or directory 2"},
		{"remove nothing", `return os.remove("x")`, "nil x: No such file or directory 2"},
		{"rename", made(`"a"`, "r") + `return os.rename("x", "y"), io.open("y"):read()`, "true a"},
		{"rename nothing", `return os.rename("x", "y")`, "nil x: No such file or directory 2"},
		{"tmpname", `local a, b = os.tmpname(), os.tmpname() return a ~= b, io.open(a):read(), os.remove(a), os.remove(b)`, "true nil true true"},
	})
}

func TestOSEnvironment(t *testing.T) {
	t.Setenv("LUAGW_TEST_SET", "") // restores it
	t.Setenv("LUAGW_TEST_EMPTY", "")
	runIOTests(t, []evalTest{
		{"unset", `return os.getenv("LUAGW_TEST_UNSET")`, "nil"},
		{"empty", `return "<" .. os.getenv("LUAGW_TEST_EMPTY") .. ">"`, "<>"},
		{"set", `return os.setenv("LUAGW_TEST_SET", "x"), os.getenv("LUAGW_TEST_SET")`, "true x"},
		{"bad name", `return os.setenv("a=b", "x")`, "nil a=b: Invalid argument 22"},
		{"locale", `return os.setlocale(), os.setlocale(nil, "time"), os.setlocale("C"), os.setlocale(""), os.setlocale("de_DE")`, "C C C C nil"},
		{"locale of what", `os.setlocale("C", "x")`, `bad argument #2 to setlocale (invalid category "x"...`},
	})
}

func TestOSClock(t *testing.T) {
	runIOTests(t, []evalTest{
		{"goes on", `local c = os.clock() while os.clock() == c do end return os.clock() > c`, "true"},
	})
}

func TestOSExecute(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are those of a POSIX shell")
	}
	runIOTests(t, []evalTest{
		{"shell", `return os.execute()`, "1"},
		{"status", `return os.execute("true"), os.execute("exit 3")`, "0 3"},
		{"no such program", `return os.execute("exec luagw-no-such-program 2>/dev/null")`, "127"},
	})
	box := newIOSandbox(t)
	if got := box.eval(`print = nil io.write("a\n") os.execute("echo b; echo c >&2; cat")`); got != "" {
		t.Fatal(got)
	}
	if got, want := box.output.String(), "a\nb\nc\n"; len(got) != len(want) || !strings.HasPrefix(got, "a\n") {
		t.Errorf("output: got %q, want the lines of %q", got, want)
	}
}

func TestOSExit(t *testing.T) {
	tests := []struct {
		name, source string
		code         int
	}{
		{"nothing", `os.exit()`, 0},
		{"number", `os.exit(3)`, 3},
		{"true", `os.exit(true)`, 0},
		{"false", `os.exit(false)`, 1},
		{"in a function", `(function() os.exit(2) end)()`, 2},
		{"in a coroutine", `coroutine.wrap(function() os.exit(2) end)()`, 2},
		{"raised again", `local ok, e = pcall(os.exit, 4) error(e)`, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := newIOSandbox(t).DoString(tt.source)
			apiErr, ok := errors.AsType[*glua.ApiError](err)
			if !ok {
				t.Fatalf("got %v, want an error of Lua", err)
			}
			if code, ok := ExitCode(apiErr.Object); !ok || code != tt.code {
				t.Errorf("got code %d, %v, want %d", code, ok, tt.code)
			}
		})
	}
	runIOTests(t, []evalTest{
		{"caught", `return pcall(os.exit, 3)`, "false os.exit(3)"},
		{"no code", `os.exit("x")`, "bad argument #1 to exit (number expected, got string)"},
	})
	if _, ok := ExitCode(glua.LString("os.exit(3)")); ok {
		t.Error("a string is no exit: got ok")
	}
	if _, ok := ExitCode(&glua.LUserData{Value: os.Stdin}); ok {
		t.Error("another userdata is no exit: got ok")
	}
}
