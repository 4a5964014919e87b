// Files fetches the contents of files: the fragment is a server which gets names on its
// channel and answers each.
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
		fmt.Fprintln(os.Stderr, "files:", err)
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
	ch, err := gw.RemoteExec(ctx, `
		for name in channel do
			local text, why = fs.read(name)
			channel:send({name = name, text = text, why = why})
		end
	`)
	if err != nil {
		return err
	}
	for _, name := range []string{"/etc/passwd", "/etc/group", "/nosuch"} {
		if err := ch.Send(ctx, name); err != nil {
			return err
		}
		file, err := luagw.ReceiveAs[file](ctx, ch)
		if err != nil {
			return err
		}
		fmt.Println(file.Name+":", len(file.Text) > 0, file.Why)
	}
	ch.CloseWrite() // the fragment's loop ends
	return ch.Wait(ctx)
}

type file struct {
	Name string `luagw:"name"`
	Text string `luagw:"text"`
	Why  string `luagw:"why"` // it could not be read
}
