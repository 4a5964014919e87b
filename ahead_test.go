package luagw

import (
	"os"
	"strconv"
	"testing"
)

func TestTakeAhead(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, tt := range []struct{ name, value, want string }{
		{"nothing", "", ""},
		{"for this process", own + " aGVsbG8_", "hello?"},
		{"for another", own + "1 aGVsbG8_", ""},
		{"for nobody", " aGVsbG8_", ""},
		{"without a number", "aGVsbG8_", ""},
		{"empty", own, ""},
		{"no base64", own + " aGVsbG8/", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(aheadVar, tt.value)
			t.Setenv(loginVar, "aGVsbG8_")
			if got := string(takeAhead()); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			for _, name := range []string{aheadVar, loginVar} {
				if value, ok := os.LookupEnv(name); ok {
					t.Errorf("%s is still %q", name, value)
				}
			}
		})
	}
}
