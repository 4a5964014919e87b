// Luagw-agent is the far side of a gateway: it speaks the luagw protocol on its
// standard input and output and runs the fragments of Lua that come in. It is
// started by luagw, not by hand.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua"
)

// defaultMemory is what fragments may use together; a spec's max_memory can only
// lower it. It is enough for any sensible one, and less than brings a host down.
const defaultMemory = 1 << 30

func main() {
	if len(os.Args) > 1 {
		if os.Args[1] == "--version" {
			fmt.Println("luagw-agent", luagw.Version())
			return
		}
		fmt.Fprintf(os.Stderr, "luagw-agent: unknown argument %q: it takes none but --version, and is started by luagw\n", os.Args[1])
		os.Exit(2)
	}
	agent := &luagw.Agent{
		Runner: &lua.Runtime{Limits: luagw.Limits{Memory: defaultMemory}},
		Dial:   luagw.DialHere,
	}
	os.Exit(agent.ServeProcess(context.Background()))
}
