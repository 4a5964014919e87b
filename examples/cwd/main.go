// Cwd compares working directories: a subprocess has its parent's, unless its spec
// says otherwise.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/lua"
)

func main() {
	luagw.ServeIfAgent(&lua.Runtime{}) // popen starts this very program as the agent
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "cwd:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	for _, spec := range []string{"popen", "popen//dir=/"} {
		gw, err := group.Open(ctx, spec)
		if err != nil {
			return err
		}
		results, err := gw.Call(ctx, `return fs.cwd()`)
		if err != nil {
			return err
		}
		fmt.Printf("%s: the same directory: %v\n", spec, results[0] == here)
	}
	return nil
}
