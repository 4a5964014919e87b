// Increment sends a number to a subprocess, which sends back the next one.
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
		fmt.Fprintln(os.Stderr, "increment:", err)
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
	ch, err := gw.RemoteExec(ctx, `channel:send(channel:receive() + 1)`)
	if err != nil {
		return err
	}
	if err := ch.Send(ctx, 10); err != nil {
		return err
	}
	n, err := ch.Receive(ctx)
	if err != nil {
		return err
	}
	fmt.Println(n)
	return nil
}
