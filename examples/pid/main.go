// Pid asks a subprocess for its process id, in three ways.
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
		fmt.Fprintln(os.Stderr, "pid:", err)
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
	// On the channel,
	ch, err := gw.RemoteExec(ctx, `channel:send(process.pid())`)
	if err != nil {
		return err
	}
	sent, err := ch.Receive(ctx)
	if err != nil {
		return err
	}
	// as a result,
	results, err := gw.Call(ctx, `return process.pid()`)
	if err != nil {
		return err
	}
	// and from the hello, without asking.
	told := int64(gw.Info().PID)
	fmt.Println("another process:", told != int64(os.Getpid()))
	fmt.Println("always the same:", sent == told && results[0] == told)
	return nil
}
