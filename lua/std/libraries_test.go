package std

import (
	"slices"
	"strings"
	"testing"

	glua "github.com/yuin/gopher-lua"
)

func TestLibraries(t *testing.T) {
	libs := Libraries()
	byName := func(a, b Library) int { return strings.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(libs, byName) {
		t.Errorf("not sorted: %v", libs)
	}
	L := glua.NewState(glua.Options{SkipOpenLibs: true})
	defer L.Close()
	for _, lib := range libs {
		found, ok := Lookup(lib.Name)
		if !ok || found.Name != lib.Name {
			t.Errorf("Lookup(%q): got %q, %v", lib.Name, found.Name, ok)
		}
		module := lib.Open(L)
		for name := range lib.Funcs {
			if module.RawGetString(name).Type() != glua.LTFunction {
				t.Errorf("%s.%s is no function in the module", lib.Name, name)
			}
		}
	}
	if _, ok := Lookup("no such"); ok {
		t.Error("Lookup of a name that is none: got ok")
	}
}
