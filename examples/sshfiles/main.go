// Sshfiles fetches files from a host behind ssh, on which nothing is installed:
//
//	sshfiles ssh:web1
//
// The names come from the host itself, by a fragment that looks for them, and the
// contents by another that reads what it gets names of. Without an argument it
// shows the same on this machine.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/lua"
)

const (
	list = `for _, name in ipairs(fs.glob(...)) do channel:send(name) end`
	read = `for name in channel do channel:send(fs.read(name) or "") end`
)

func main() {
	luagw.ServeIfAgent(&lua.Runtime{}) // the agent there is a copy of this very program
	spec := "popen"
	if len(os.Args) > 1 {
		spec = os.Args[1]
	}
	if err := run(context.Background(), spec); err != nil {
		fmt.Fprintln(os.Stderr, "sshfiles:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, spec string) error {
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	gw, err := group.Open(ctx, spec)
	if err != nil {
		return err
	}
	names, err := gw.RemoteExec(ctx, list, "/etc/*.conf")
	if err != nil {
		return err
	}
	contents, err := gw.RemoteExec(ctx, read)
	if err != nil {
		return err
	}
	files, size := 0, 0
	for name, err := range names.Items(ctx) {
		if err != nil {
			return err
		}
		if err := contents.Send(ctx, name); err != nil {
			return err
		}
		text, err := luagw.ReceiveAs[string](ctx, contents)
		if err != nil {
			return err
		}
		files, size = files+1, size+len(text)
	}
	contents.CloseWrite() // the fragment's loop ends
	fmt.Println("configuration files:", files, "with", size, "bytes")
	return contents.Wait(ctx)
}
