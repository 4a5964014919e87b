// Receive_each sends a number to several gateways at a time and sums what comes back from
// each.
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
		fmt.Fprintln(os.Stderr, "receive_each:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	if _, err := group.OpenAll(ctx, "popen", "popen", "popen"); err != nil {
		return err
	}
	channels, err := group.RemoteExec(ctx, `
		local n = channel:receive()
		channel:send(n)
		channel:send(n * n)
	`)
	if err != nil {
		return err
	}
	if err := channels.SendEach(ctx, 7); err != nil {
		return err
	}
	for range 2 {
		items, err := channels.ReceiveEach(ctx)
		if err != nil {
			return err
		}
		sum := int64(0)
		for _, item := range items {
			sum += item.(int64)
		}
		fmt.Println(items, sum)
	}
	return channels.Wait(ctx)
}
