// Spec opens a gateway from a spec string, which says all about it: its name, its
// directory, its environment, how nice it is, and what a fragment may take.
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
		fmt.Fprintln(os.Stderr, "spec:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	gw, err := group.Open(ctx, "popen//id=worker//dir=/tmp//env:GREETING=hello//nice=5//max_time=200ms")
	if err != nil {
		return err
	}
	fmt.Println(gw.ID(), gw.Spec().Nice, gw.Info().Dir)
	results, err := gw.Call(ctx, `return process.env("GREETING")`)
	if err != nil {
		return err
	}
	fmt.Println(results...)
	_, err = gw.Call(ctx, `while true do end`)
	fmt.Println(err)
	return nil
}
