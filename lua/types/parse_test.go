package types

import (
	"reflect"
	"testing"
)

func TestParse(t *testing.T) {
	const source = `---@meta m

--- About the file.

--- About the module.
---@class m
---@field n? integer how many
m = {}

--- Does it.
---
--- Slowly.
---@param f fun(a: number, b: string): boolean the test
---@param ... any the rest
---@return table<string, any>? found nil if none
---@return string? message
function m.find(f, ...) end

--- A word.
---@alias m.Word "a"|"b"
return m
`
	want := &File{Name: "m", Doc: "About the file.", Entries: []Entry{
		{Class: &Class{Name: "m", Variable: "m", Doc: "About the module.", Fields: []Field{
			{Name: "n", Type: "integer", Doc: "how many", Optional: true},
		}}},
		{Function: &Function{Owner: "m", Name: "find", Doc: "Does it.\n\nSlowly.", Args: []string{"f", "..."},
			Params: []Field{
				{Name: "f", Type: "fun(a: number, b: string): boolean", Doc: "the test"},
				{Name: "...", Type: "any", Doc: "the rest"},
			},
			Returns: []Return{
				{Type: "table<string, any>?", Name: "found", Doc: "nil if none"},
				{Type: "string?", Name: "message"},
			}}},
		{Alias: &Alias{Name: "m.Word", Type: `"a"|"b"`, Doc: "A word."}},
	}}
	got, err := Parse("m", source)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"unknown annotation", "---@class m\n---@filed x any", "m.lua:2: unknown annotation @filed"},
		{"field without class", "---@field x any", "m.lua:1: @field without @class"},
		{"code", "x = 1", `m.lua:1: code that is no definition: "x = 1"`},
		{"bare variable", "x = {}", "m.lua:1: x has neither @class nor @type"},
		{"another argument", "---@param a any\nfunction f(b) end", "m.lua:2: f: @param a is not argument 1 of (b)"},
		{"argument not named", "---@param a any\nfunction f(a, b) end", "m.lua:2: f: no @param for b"},
		{"too many params", "---@param a any\n---@param b any\nfunction f(a) end", "m.lua:3: f: @param b is not argument 2 of (a)"},
		{"no code", "---@param a any\n\n", "m.lua:2: annotations without code"},
		{"text behind annotations", "---@param a any\n--- Does it.", "m.lua:2: text behind annotations"},
		{"text without code", "--- One.\n\n--- Two.\n\n", "m.lua:4: text without code"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("m", tt.source)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestCutType(t *testing.T) {
	tests := []struct{ in, typ, rest string }{
		{"string the name", "string", "the name"},
		{"string", "string", ""},
		{"table<string, any> it", "table<string, any>", "it"},
		{"fun(x: { a: number, b: string }): boolean, any rest of it", "fun(x: { a: number, b: string }): boolean, any", "rest of it"},
		{"(string|number)[] both", "(string|number)[]", "both"},
	}
	for _, tt := range tests {
		typ, rest := cutType(tt.in)
		if typ != tt.typ || rest != tt.rest {
			t.Errorf("%q: got %q and %q, want %q and %q", tt.in, typ, rest, tt.typ, tt.rest)
		}
	}
}
