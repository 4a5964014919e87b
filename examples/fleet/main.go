// Fleet runs one fragment on several gateways and takes what they send as it comes.
// One of them fails, which does not keep the others from finishing.
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
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	if _, err := group.OpenAll(ctx, "popen//id=a", "popen//id=b//env:BROKEN=yes", "popen//id=c"); err != nil {
		return err
	}
	channels, err := group.RemoteExec(ctx, `
		for i = 1, 3 do channel:send(i) end
		if process.env("BROKEN") then error("out of order") end
	`)
	if err != nil {
		return err
	}
	count := map[string]int{}
	for item, err := range channels.Items(ctx) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		count[item.Channel.Gateway().ID()]++
	}
	fmt.Println(count)
	return nil
}
