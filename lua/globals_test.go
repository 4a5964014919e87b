package lua

import (
	"slices"
	"testing"

	glua "github.com/yuin/gopher-lua"
)

// TestEveryGlobalOfLuaIsThereOrWithheld compares with what gopher-lua has.
func TestEveryGlobalOfLuaIsThereOrWithheld(t *testing.T) {
	withheld := []string{
		"module", "newproxy", // nothing for fragments: they are no files, and a proxy is a table with a metatable
		"_printregs", "_GOPHER_LUA_VERSION",
	}
	known := lua51()
	template().ForEach(func(name, _ glua.LValue) {
		if there := known[name.String()] != nil; there == slices.Contains(withheld, name.String()) {
			t.Errorf("%s is there: %v", name, there)
		}
	})
	for _, name := range templateNames {
		if template().RawGetString(name) == glua.LNil {
			t.Errorf("gopher-lua has no %s", name)
		}
	}
}
