// Callback does something with each item as it comes. Where other libraries take a
// callback and an end marker, luagw has a loop which ends.
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
		fmt.Fprintln(os.Stderr, "callback:", err)
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
	ch, err := gw.RemoteExec(ctx, `for i = 0, 9 do channel:send(i) end`)
	if err != nil {
		return err
	}
	var items []any
	for item, err := range ch.Items(ctx) {
		if err != nil {
			return err
		}
		items = append(items, item)
	}
	fmt.Println(items)
	return nil
}
