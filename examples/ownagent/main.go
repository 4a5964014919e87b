// Ownagent is a program that is its own agent: its fragments find a module
// written in Go, here one which counts words, on every host that it reaches.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/lua"
	glua "github.com/yuin/gopher-lua"
)

// words is a module for fragments, found by require and as a global.
var words = lua.Module{
	Name:  "words",
	Funcs: map[string]glua.LGFunction{"count": countWords},
}

// countWords is words.count(s).
func countWords(L *glua.LState) int {
	L.Push(glua.LNumber(len(strings.Fields(L.CheckString(1)))))
	return 1
}

func main() {
	luagw.ServeIfAgent(&lua.Runtime{Modules: []lua.Module{words}})
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "ownagent:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		return err
	}
	results, err := gw.Call(ctx, `return words.count(...), require("words") == words`, "how many words are these?")
	if err != nil {
		return err
	}
	fmt.Println(results...)
	return nil
}
