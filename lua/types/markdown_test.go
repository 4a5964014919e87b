package types

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/yuin/gopher-lua/parse"
)

var update = flag.Bool("update", false, "rewrite the reference in doc/lua.md")

const (
	manual = "../../doc/lua.md"
	begin  = "<!-- The reference from here on is made from lua/types: go test ./lua/types -update -->\n"
	end    = "<!-- End of the reference. -->\n"
)

// TestReference compares the reference in the manual with the definitions.
func TestReference(t *testing.T) {
	list, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(text), begin)
	got, tail, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		t.Fatalf("%s lacks the lines %q and %q", manual, begin, end)
	}
	want := "\n" + Markdown(list) + "\n"
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("the reference in %s is not what the definitions say: go test ./lua/types -update", manual)
	}
	if err := os.WriteFile(manual, []byte(head+begin+want+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMarkdown(t *testing.T) {
	f, err := Parse("m", `--- About m.
---@class m
m = {}

--- A thing.
---@class m.Thing
---@field size? integer|string how large
local Thing = {}

--- Changes it.
---@param by number how much
---@param options? table
---@return m.Thing thing the same one
function Thing:change(by, options) end

--- Makes one.
function m.make() end
`)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`## m

About m.

### type m.Thing

A thing.

| field | type | |
|---|---|---|
| 'size?' | 'integer\|string' | how large |

### 'm.thing:change(by[, options])'

Changes it.

- 'by' 'number': how much
- 'options' 'table', optional
- returns 'thing' 'm.Thing': the same one

### 'm.make()'

Makes one.
`, "'", "`")
	if got := Markdown([]*File{f}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestExamplesAreLua parses the blocks of Lua in the manual.
func TestExamplesAreLua(t *testing.T) {
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```lua\n")[1:]
	if len(blocks) == 0 {
		t.Error("no blocks of Lua")
	}
	for _, block := range blocks {
		source, _, _ := strings.Cut(block, "```")
		if _, err := parse.Parse(strings.NewReader(source), manual); err != nil {
			t.Errorf("%v in\n%s", err, source)
		}
	}
}
