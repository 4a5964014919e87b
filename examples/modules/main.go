// Modules runs a fragment that is a file and requires others. Their sources
// travel to the far side; nothing is installed there.
package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/lua"
)

//go:embed lua
var files embed.FS

func main() {
	luagw.ServeIfAgent(&lua.Runtime{}) // popen starts this very program as the agent
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "modules:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	folder, err := fs.Sub(files, "lua")
	if err != nil {
		return err
	}
	group := &luagw.Group{Dial: gateways.Dial, Modules: folder}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		return err
	}
	ch, err := gw.RemoteExecFile(ctx, folder, "area.lua", 3, 4)
	if err != nil {
		return err
	}
	results, err := ch.Results(ctx)
	if err != nil {
		return err
	}
	fmt.Println(results...)
	return nil
}
