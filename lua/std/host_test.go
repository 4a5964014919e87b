package std

import (
	"os"
	"runtime"
	"testing"
)

func TestHost(t *testing.T) {
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LUAGW_TEST_FACT", "a=b")
	runEvalTests(t, []evalTest{
		{"hostname", `return host.hostname`, hostname},
		{"os and arch", `return host.os, host.arch`, runtime.GOOS + " " + runtime.GOARCH},
		{"cpus", `return host.cpus >= 1`, "true"},
		{"env", `return host.env.LUAGW_TEST_FACT`, "a=b"},
		{"interfaces", `for _, i in ipairs(host.interfaces) do assert(i.name ~= "" and #i.addresses >= 0) end return type(host.interfaces)`, "table"},
		{"user", `return host.user.uid`, luaInt(os.Getuid())},
		{"kept", `return host.env == host.env`, "true"},
		{"all facts can be sent", `return #json.encode(host.facts()) > 100`, "true"},
		{"some facts", `local f = host.facts{"os", "arch"}; local n = 0; for _ in pairs(f) do n = n + 1 end return n, f.os`, "2 " + runtime.GOOS},
		{"no facts", `return next(host.facts{})`, "nil"},
		{"refresh", `local env = host.env; host.refresh(); return host.env == env`, "false"},
		{"refresh one", `local env, i = host.env, host.interfaces; host.refresh{"env"}; return host.env == env, host.interfaces == i`, "false true"},
		{"unknown fact", `return host.memroy`, `host: unknown fact "memroy" (did you mean "memory"?)`},
		{"unknown fact among names", `return host.facts{"os", "memroy"}`, `bad argument #1 to facts (unknown fact "memroy" (did you mean "memory"?))`},
	})
}

func luaInt(n int) string { return fromGo(nil, n).String() }
