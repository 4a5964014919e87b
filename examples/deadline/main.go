// Deadline gives up on a fragment that takes too long. The gateway goes on.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/lua"
)

func main() {
	luagw.ServeIfAgent(&lua.Runtime{}) // popen starts this very program as the agent
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "deadline:", err)
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
	brief, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_, err = gw.Call(brief, `while true do end`) // ends when we give up
	fmt.Println(err, errors.Is(err, context.DeadlineExceeded))

	results, err := gw.Call(ctx, `return "still here"`)
	fmt.Println(results, err)
	return err
}
