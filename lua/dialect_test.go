package lua

import (
	"fmt"
	"testing"
)

// TestDialect tries what doc/lua.md says of which Lua it is.
func TestDialect(t *testing.T) {
	gw := openTest(t, &Runtime{})
	for source, want := range map[string]string{
		`goto on; do return 1 end ::on:: return 2`:                                                  "[2]",
		`return "\x41", "\65", "\z  b"`:                                                             "[x41 A z  b]",
		`return module, newproxy, table.pack, utf8, debug.sethook`:                                  "[<nil> <nil> <nil> <nil> <nil>]",
		`return pcall(string.dump, print)`:                                                          "[false fragment:1: GopherLua does not support the string.dump]",
		`return (loadstring("return 7 // 2"))`:                                                      "[<nil>]",
		`return math.huge == 1/0, math.huge`:                                                        "[false 1.7976931348623157e+308]",
		`return tostring(0.1 + 0.2), tostring(1/0), tostring(0/0)`:                                  "[0.30000000000000004 +Inf NaN]",
		`return "0644" + 0, 0644, tonumber("0644")`:                                                 "[420 644 644]",
		`return tonumber("1e5"), tonumber("1.0e5"), "1e5" + 0`:                                      "[<nil> 100000 100000]",
		`return ("%s"):format(), ("%d"):format(3.7)`:                                                "[%!s(MISSING) 3]",
		`return ("x"):rep(2, ","), #{1, nil, 3}, 1 == int64(1)`:                                     "[xx 3 false]",
		`local t, keys = {b = 1}, "" t.a = 2 for k in pairs(t) do keys = keys .. k end return keys`: "[ba]",
	} {
		if got, err := gw.Call(bounded(t), source); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: got %v, %v; want %s", source, got, err, want)
		}
	}
}
