// Pack compresses agents, so that a release build can embed them. It is run by
// make release: pack DIR luagw-agent_OS_ARCH...
package main

import (
	"fmt"
	"os"

	"github.com/luagw/luagw/gateways/agents"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: pack DIR luagw-agent_OS_ARCH...")
		os.Exit(2)
	}
	if err := agents.Pack(os.Args[1], os.Args[2:]...); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}
