// Channels sends channels over a channel: the fragment gets two and answers on them.
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
		fmt.Fprintln(os.Stderr, "channels:", err)
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
	ch, err := gw.RemoteExec(ctx, `
		local both = channel:receive()
		both.first:send("hello")
		both.second:send("world")
	`)
	if err != nil {
		return err
	}
	first, err := gw.NewChannel(ctx)
	if err != nil {
		return err
	}
	second, err := gw.NewChannel(ctx)
	if err != nil {
		return err
	}
	if err := ch.Send(ctx, map[string]any{"first": first, "second": second}); err != nil {
		return err
	}
	for _, c := range []*luagw.Channel{first, second} {
		item, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		fmt.Println(item)
	}
	return ch.Wait(ctx)
}
