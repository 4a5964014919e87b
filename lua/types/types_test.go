package types

import (
	"maps"
	"slices"
	"strings"
	"testing"

	glua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"

	"github.com/luagw/luagw/lua/std"
)

func files(t *testing.T) map[string]*File {
	t.Helper()
	list, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*File{}
	for _, f := range list {
		byName[f.Name] = f
	}
	return byName
}

func TestOrder(t *testing.T) {
	list, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range list {
		names = append(names, f.Name)
	}
	last := len(names) - 1
	if names[0] != "globals" || names[1] != "channel" || names[last] != "luagw" || !slices.IsSorted(names[2:last]) {
		t.Errorf("got %v, want globals, channel, the modules sorted, luagw", names)
	}
}

func TestDefinitionsAreLua(t *testing.T) {
	for name := range files(t) {
		source, err := FS.ReadFile(name + ".lua")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse.Parse(strings.NewReader(string(source)), name+".lua"); err != nil {
			t.Error(err)
		}
	}
}

// TestModules compares what is defined with what the code has, both ways.
func TestModules(t *testing.T) {
	defined := files(t)
	for _, lib := range std.Libraries() {
		t.Run(lib.Name, func(t *testing.T) {
			f := defined[lib.Name]
			if f == nil {
				t.Fatalf("no definitions: want lua/types/%s.lua", lib.Name)
			}
			compare(t, functionsOf(f, lib.Name), slices.Collect(maps.Keys(lib.Funcs)))
		})
	}
}

// TestMethods does the same for what modules return.
func TestMethods(t *testing.T) {
	L := glua.NewState()
	defer L.Close()
	std.SetGlobals(L)
	for _, lib := range std.Libraries() {
		L.SetGlobal(lib.Name, lib.Open(L))
	}
	tests := []struct{ file, owner, value string }{
		{"globals", "Int64", `int64(1)`},
		{"hash", "Hasher", `hash.new()`},
	}
	for _, tt := range tests {
		t.Run(tt.owner, func(t *testing.T) {
			if err := L.DoString("return " + tt.value); err != nil {
				t.Fatal(err)
			}
			mt := L.Get(-1).(*glua.LUserData).Metatable.(*glua.LTable)
			var methods []string
			mt.RawGetString("__index").(*glua.LTable).ForEach(func(name, _ glua.LValue) {
				methods = append(methods, name.String())
			})
			compare(t, functionsOf(files(t)[tt.file], tt.owner), methods)
		})
	}
}

func TestGlobals(t *testing.T) {
	got := functionsOf(files(t)["globals"], "")
	// print and require are the runtime's.
	want := append(slices.Collect(maps.Keys(std.Globals())), "print", "require")
	compare(t, got, want)
}

func TestHostFields(t *testing.T) {
	var fields []string
	for _, field := range files(t)["host"].Class("host").Fields {
		fields = append(fields, field.Name)
	}
	compare(t, fields, std.HostFacts())
}

func functionsOf(f *File, owner string) []string {
	var names []string
	for _, fn := range f.Functions() {
		if fn.Owner == owner {
			names = append(names, fn.Name)
		}
	}
	return names
}

func compare(t *testing.T, defined, exist []string) {
	t.Helper()
	for _, name := range exist {
		if !slices.Contains(defined, name) {
			t.Errorf("%s is in the code and not defined", name)
		}
	}
	for _, name := range defined {
		if !slices.Contains(exist, name) {
			t.Errorf("%s is defined and not in the code", name)
		}
	}
}

func TestEverythingIsDescribed(t *testing.T) {
	for name, f := range files(t) {
		for _, fn := range f.Functions() {
			if fn.Doc == "" {
				t.Errorf("%s.lua: %s has no description", name, fn.FullName())
			}
			for _, p := range fn.Params {
				if p.Type == "" {
					t.Errorf("%s.lua: %s: @param %s has no type", name, fn.FullName(), p.Name)
				}
			}
			for _, r := range fn.Returns {
				if r.Type == "" {
					t.Errorf("%s.lua: %s: @return has no type", name, fn.FullName())
				}
			}
		}
	}
}

// TestMethodsHaveClasses catches methods of a variable which no class of the
// file is bound to.
func TestMethodsHaveClasses(t *testing.T) {
	for name, f := range files(t) {
		known := owners(f)
		for _, fn := range f.Functions() {
			if _, ok := known[fn.Owner]; !ok && fn.Owner != "" {
				t.Errorf("%s.lua: %s: no @class for %s", name, fn.FullName(), fn.Owner)
			}
		}
	}
}
