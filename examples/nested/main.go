// Nested has a fragment in one gateway listen, and opens a second gateway that
// connects to it: with what the fragment tells, anybody on that host who has the
// token can.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/lua"
)

const server = `
	local listener = assert(agent.listen())
	channel:send(listener.spec)
	channel:waitclose() -- it listens as long as this runs
`

func main() {
	luagw.ServeIfAgent(&lua.Runtime{}) // popen starts this very program as the agent
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "nested:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	outer, err := group.Open(ctx, "popen//id=outer")
	if err != nil {
		return err
	}
	ch, err := outer.RemoteExec(ctx, server)
	if err != nil {
		return err
	}
	spec, err := luagw.ReceiveAs[string](ctx, ch)
	if err != nil {
		return err
	}
	inner, err := group.Open(ctx, spec+"//id=inner")
	if err != nil {
		return err
	}
	results, err := inner.Call(ctx, "return 6 * ...", 7)
	if err != nil {
		return err
	}
	fmt.Println(inner.ID(), results, inner.Info().PID != outer.Info().PID)
	return nil
}
