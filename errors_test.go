package luagw_test

import (
	"errors"
	"testing"

	"github.com/luagw/luagw"
)

// TestErrorTail: what a far side says stands at the end of a sentence without what
// could do something to a terminal.
func TestErrorTail(t *testing.T) {
	cause := errors.New("it is over")
	for _, test := range []struct{ name, said, want string }{
		{"nothing", " \n", ""},
		{"lines", "one\n\ttwo é\n", ": one\n\ttwo é"},
		{"colours and a title", "\x1b[31mred\x1b[0m \x1b]0;title\x07", ": [31mred[0m ]0;title"},
		{"zeros", "\x00\x01a\x00", ": a"},
		{"nothing but zeros", "\x00\x00\n", ""},
		{"no UTF-8", "a\xffb\u009bc", ": a\uFFFDbc"},
	} {
		t.Run(test.name, func(t *testing.T) {
			open := &luagw.OpenError{Spec: "popen", Stage: luagw.StageHello, Err: cause, Stderr: test.said, ExitCode: -1}
			if got, want := open.Error(), `open "popen": hello: it is over`+test.want; got != want {
				t.Errorf("OpenError: got %q, want %q", got, want)
			}
			lost := &luagw.GatewayLostError{ID: "gw0", Cause: cause, Stderr: test.said, ExitCode: -1}
			if got, want := lost.Error(), `gateway gw0 lost: it is over`+test.want; got != want {
				t.Errorf("GatewayLostError: got %q, want %q", got, want)
			}
		})
	}
}
