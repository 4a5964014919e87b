// Luagw runs fragments of Lua on other machines and talks with them over
// channels, without anything installed there beforehand. `luagw help` tells the
// rest.
package main

import (
	"context"
	"os"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua"
)

// agentMemory is what fragments on a popen gateway may use together where the
// spec sets no max_memory, as in luagw-agent.
const agentMemory = 1 << 30

func main() {
	// The command is its own agent: popen needs nothing else installed.
	luagw.ServeIfAgent(&lua.Runtime{Limits: luagw.Limits{Memory: agentMemory}})
	ctx := interruptible(context.Background())
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
