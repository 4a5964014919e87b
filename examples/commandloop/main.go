// Commandloop keeps a state on the far side and sends it pieces of code to evaluate.
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
		fmt.Fprintln(os.Stderr, "commandloop:", err)
		os.Exit(1)
	}
}

// loop evaluates each item as an expression. What it assigns stays.
const loop = `
	for source in channel do
		local f, why = loadstring("return " .. source)
		if not f then f, why = loadstring(source) end
		if f then
			channel:send({pcall(f)})
		else
			channel:send({false, why})
		end
	end
`

func run(ctx context.Context) error {
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		return err
	}
	ch, err := gw.RemoteExec(ctx, loop)
	if err != nil {
		return err
	}
	for _, source := range []string{"6 * 7", "n = 10", "n + 1", "nosuch.field", "return return"} {
		if err := ch.Send(ctx, source); err != nil {
			return err
		}
		answer, err := luagw.ReceiveAs[[]any](ctx, ch)
		if err != nil {
			return err
		}
		fmt.Println(source, "->", answer)
	}
	ch.CloseWrite()
	return ch.Wait(ctx)
}
