package luagw_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"testing/fstest"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua"
)

// The agents of these examples are in this process, so that they run anywhere.
// A program would write Dial: gateways.Dial.

func Example() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		log.Fatal(err)
	}
	ch, err := gw.RemoteExec(ctx, `
		for n in channel do channel:send(n * n) end
		return "done"
	`)
	if err != nil {
		log.Fatal(err)
	}
	for n := range 3 {
		if err := ch.Send(ctx, n); err != nil {
			log.Fatal(err)
		}
	}
	ch.CloseWrite() // the fragment's loop ends
	for item, err := range ch.Items(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(item)
	}
	results, err := ch.Results(ctx)
	fmt.Println(results, err)
	// Output:
	// 0
	// 1
	// 4
	// [done] <nil>
}

func ExampleGroup_Open() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()

	gw, err := group.Open(ctx, "popen//id=worker")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(gw.ID())

	_, err = group.Open(ctx, "popen//nic=5")
	if refused, ok := errors.AsType[*luagw.SpecError](err); ok {
		fmt.Println(refused)
	}
	_, err = group.Open(ctx, "popen//id=worker")
	fmt.Println(err)
	// Output:
	// worker
	// spec "popen//nic=5": nic: unknown key; did you mean "nice"?
	// spec "popen//id=worker": id: "worker" is in use in this group
}

func ExampleGroup_OpenAll() {
	ctx := context.Background()
	group := &luagw.Group{
		Dial:  luagw.InProcess(&lua.Runtime{}),
		Print: func(id, line string) { fmt.Println(id, "says", line) },
	}
	defer group.Close()
	if _, err := group.OpenAll(ctx, "popen//id=a", "popen//id=b"); err != nil {
		log.Fatal(err)
	}
	for gw := range group.Gateways() {
		if _, err := gw.Call(ctx, `print("hello")`); err != nil {
			log.Fatal(err)
		}
	}
	// Unordered output:
	// a says hello
	// b says hello
}

func ExampleGroup_RemoteExec() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	if _, err := group.OpenAll(ctx, "popen//id=a", "popen//id=b"); err != nil {
		log.Fatal(err)
	}
	channels, err := group.RemoteExec(ctx, `return ..., ("x"):rep(3)`, 42)
	if err != nil {
		log.Fatal(err)
	}
	results, err := channels.Results(ctx)
	fmt.Println(results, err)
	// Output: [[42 xxx] [42 xxx]] <nil>
}

func ExampleGateway_RemoteExec() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		log.Fatal(err)
	}
	ch, err := gw.RemoteExec(ctx, `
		local name, times = ...
		for i = 1, times do channel:send({name = name, i = i}) end
	`, "web1", 2)
	if err != nil {
		log.Fatal(err)
	}
	for {
		item, err := ch.Receive(ctx)
		fmt.Println(item, err)
		if err != nil {
			return
		}
	}
	// Output:
	// map[i:1 name:web1] <nil>
	// map[i:2 name:web1] <nil>
	// <nil> EOF
}

func ExampleGateway_RemoteExecFile() {
	ctx := context.Background()
	files := fstest.MapFS{ // or an embed.FS, or os.DirFS
		"check.lua": {Data: []byte(`
			local disk = require "disk"
			error("disk is full: " .. disk.name)`)},
		"disk.lua": {Data: []byte(`return {name = "sda"}`)},
	}
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{}), Modules: files}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		log.Fatal(err)
	}
	ch, err := gw.RemoteExecFile(ctx, files, "check.lua")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ch.Wait(ctx))
	// Output: gw0: check.lua:3: disk is full: sda
}

func ExampleGateway_Call() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		log.Fatal(err)
	}
	results, err := gw.Call(ctx, `
		local a, b = ...
		return a + b, a .. b
	`, 20, 22)
	fmt.Println(results, err)
	// Output: [42 2022] <nil>
}

func ExampleGateway_NewChannel() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		log.Fatal(err)
	}
	progress, err := gw.NewChannel(ctx)
	if err != nil {
		log.Fatal(err)
	}
	// The fragment gets the other end as an argument.
	ch, err := gw.RemoteExec(ctx, `
		local progress = ...
		for i = 1, 2 do progress:send("step " .. i) end
		progress:close()
		return "built"
	`, progress)
	if err != nil {
		log.Fatal(err)
	}
	for item, err := range progress.Items(ctx) {
		fmt.Println(item, err)
	}
	results, err := ch.Results(ctx)
	fmt.Println(results, err)
	// Output:
	// step 1 <nil>
	// step 2 <nil>
	// [built] <nil>
}

func ExampleChannel_Items() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		log.Fatal(err)
	}
	ch, err := gw.RemoteExec(ctx, `
		channel:send("first")
		channel:send("second")
		error("that was all")
	`)
	if err != nil {
		log.Fatal(err)
	}
	for item, err := range ch.Items(ctx) {
		if err != nil {
			fmt.Println("failed:", err) // after the items, and last
			break
		}
		fmt.Println(item)
	}
	// Output:
	// first
	// second
	// failed: gw0: fragment:4: that was all
}

func ExampleReceiveAs() {
	type Mount struct {
		Device string   `luagw:"device"`
		Path   string   `luagw:"path"`
		Flags  []string `luagw:"flags"`
		Size   uint64   `luagw:"size,omitempty"`
	}
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		log.Fatal(err)
	}
	ch, err := gw.RemoteExec(ctx, `
		channel:send({device = "/dev/sda1", path = "/", flags = {"rw", "noatime"}, size = 2^40})
		channel:send({device = 7})
	`)
	if err != nil {
		log.Fatal(err)
	}
	mount, err := luagw.ReceiveAs[Mount](ctx, ch)
	fmt.Printf("%+v %v\n", mount, err)
	_, err = luagw.ReceiveAs[Mount](ctx, ch)
	fmt.Println(err)
	// Output:
	// {Device:/dev/sda1 Path:/ Flags:[rw noatime] Size:1099511627776} <nil>
	// item.device: number: cannot be put in string
}

func ExampleChannel_Writer() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		log.Fatal(err)
	}
	ch, err := gw.RemoteExec(ctx, `
		for piece in channel do channel:send(piece:upper()) end
	`)
	if err != nil {
		log.Fatal(err)
	}
	w := ch.Writer(ctx)
	if _, err := io.Copy(w, strings.NewReader("bytes of a file, or of a socket")); err != nil {
		log.Fatal(err)
	}
	w.Close() // the fragment's loop ends
	text, err := io.ReadAll(ch.Reader(ctx))
	fmt.Println(string(text), err)
	// Output: BYTES OF A FILE, OR OF A SOCKET <nil>
}

func ExampleMultiChannel() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	if _, err := group.OpenAll(ctx, "popen//id=a", "popen//id=b"); err != nil {
		log.Fatal(err)
	}
	channels, err := group.RemoteExec(ctx, `
		local sum = 0
		for n in channel do
			sum = sum + n
			channel:send(sum)
		end
	`)
	if err != nil {
		log.Fatal(err)
	}
	for n := 1; n <= 3; n++ {
		if err := channels.SendEach(ctx, n); err != nil {
			log.Fatal(err)
		}
		sums, err := channels.ReceiveEach(ctx)
		fmt.Println(sums, err)
	}
	for ch := range channels.Channels() {
		ch.CloseWrite()
	}
	fmt.Println(channels.Wait(ctx))
	// Output:
	// [1 1] <nil>
	// [3 3] <nil>
	// [6 6] <nil>
	// <nil>
}

func ExampleMultiChannel_Items() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	if _, err := group.OpenAll(ctx, "popen//id=a", "popen//id=b"); err != nil {
		log.Fatal(err)
	}
	channels, err := group.RemoteExec(ctx, `channel:send(1) channel:send(2)`)
	if err != nil {
		log.Fatal(err)
	}
	for item, err := range channels.Items(ctx) { // as they come
		fmt.Println(item.Channel.Gateway().ID(), item.Value, err)
	}
	// Unordered output:
	// a 1 <nil>
	// a 2 <nil>
	// b 1 <nil>
	// b 2 <nil>
}

func ExampleRemoteError() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	gw, err := group.Open(ctx, "popen//id=web1")
	if err != nil {
		log.Fatal(err)
	}
	_, err = gw.Call(ctx, `error({code = 7, why = "no space"})`)
	remote, ok := errors.AsType[*luagw.RemoteError](err)
	if !ok {
		log.Fatal(err)
	}
	fmt.Println(remote.Gateway, remote.Value)

	_, err = gw.Call(ctx, `local t = nil; return t.x`)
	fmt.Println(err)
	// Output:
	// web1 map[code:7 why:no space]
	// web1: fragment:1: attempt to index a non-table object(nil) with key 'x'
}

func ExampleValueError() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		log.Fatal(err)
	}
	ch, err := gw.RemoteExec(ctx, `for item in channel do end`)
	if err != nil {
		log.Fatal(err)
	}
	err = ch.Send(ctx, map[string]any{"hosts": []any{"web1", make(chan int)}})
	if refused, ok := errors.AsType[*luagw.ValueError](err); ok {
		fmt.Println(refused) // its Path is item.hosts[1]
	}
	// Output: item.hosts[1]: Go channel cannot be sent
}

func ExampleChannel_Close() {
	ctx := context.Background()
	group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		log.Fatal(err)
	}
	ch, err := gw.RemoteExec(ctx, `while true do end`)
	if err != nil {
		log.Fatal(err)
	}
	ch.Close() // cancels the fragment
	_, err = ch.Receive(ctx)
	fmt.Println(err, errors.Is(err, luagw.ErrClosed))
	// Output: luagw: the channel was closed on this side true
}
