package std

import "testing"

func TestLog(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"message", `log.info("ready")`, "level=info msg=ready\n"},
		{"quotes", `log.warn("two words")`, "level=warn msg=\"two words\"\n"},
		{"empty", `log.error("")`, "level=error msg=\"\"\n"},
		{"one line", `log.info("a\nb=c")`, "level=info msg=\"a\\nb=c\"\n"},
		{"bytes", `log.info("\255")`, "level=info msg=\"\\xff\"\n"},
		{"fields are sorted", `log.info("x", {host = "web 1", b = true, a = 1.5})`, "level=info msg=x a=1.5 b=true host=\"web 1\"\n"},
		{"table in a field", `log.info("x", {t = {1, 2}})`, "level=info msg=x t=[1,2]\n"},
		{"null in a field", `log.info("x", {t = null})`, "level=info msg=x t=null\n"},
		{"table that is no JSON", `log.info("x", {t = setmetatable({print}, {__tostring = function() return "T" end})})`, "level=info msg=x t=T\n"},
		{"value that is no string", `log.info(int64(5))`, "level=info msg=5\n"},
		{"debug is off", `log.debug("x")`, ""},
		{"debug is on", `log.level("debug") log.debug("x")`, "level=debug msg=x\n"},
		{"only errors", `log.level("error") log.warn("x") log.error("y")`, "level=error msg=y\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box := newSandbox(t)
			if err := box.DoString(tt.source); err != nil {
				t.Fatal(err)
			}
			if got := box.output.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLogMistakes(t *testing.T) {
	runEvalTests(t, []evalTest{
		{"level", `return log.level(), log.level("warn"), log.level()`, "info info warn"},
		{"unknown level", `log.level("warning")`, `bad argument #1 to level (unknown level "warning" (did you mean "warn"?))`},
		{"no message", `log.info()`, "bad argument #1 to info (value expected)"},
		{"fields by number", `log.info("x", {1, a = 2})`, `bad argument #2 to info (fields: keys of different types: 1 and "a")`},
	})
}
