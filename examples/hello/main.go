// Hello runs a fragment of Lua in two processes and exchanges items with it.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/lua"
)

const fragment = `
	local greeting = ...
	for name in channel do -- until the near side closes its direction
		channel:send(greeting .. ", " .. name)
	end
	return host.os
`

func main() {
	luagw.ServeIfAgent(&lua.Runtime{}) // popen starts this very program as the agent
	ctx := context.Background()
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()

	if _, err := group.OpenAll(ctx, "popen//id=a", "popen//id=b//nice=5//env:LANG=C"); err != nil {
		log.Fatal(err)
	}
	channels, err := group.RemoteExec(ctx, fragment, "hello")
	if err != nil {
		log.Fatal(err)
	}
	for ch := range channels.Channels() {
		if err := ch.Send(ctx, ch.Gateway().ID()); err != nil {
			log.Fatal(err)
		}
		ch.CloseWrite()
	}
	answers, err := channels.ReceiveEach(ctx)
	if err != nil {
		log.Fatal(err)
	}
	results, err := channels.Results(ctx) // what the fragments returned
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answers, results)
}
