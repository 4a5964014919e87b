// Output takes home whatever a fragment, and the processes that it starts, write.
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
		fmt.Fprintln(os.Stderr, "output:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	group := &luagw.Group{
		Dial:  gateways.Dial,
		Print: func(id, line string) { fmt.Printf("%s wrote %q\n", id, line) },
	}
	defer group.Close()
	gw, err := group.Open(ctx, "popen//id=worker")
	if err != nil {
		return err
	}
	for _, source := range []string{
		`print("a line", 1)`,
		`io.write("two\nlines\n")`,
		`os.execute("echo from a process")`,
	} {
		if _, err := gw.Call(ctx, source); err != nil {
			return err
		}
	}
	return nil
}
