// Taskserver keeps several workers busy: each says when it is ready and gets the next task,
// until there are none left.
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
		fmt.Fprintln(os.Stderr, "taskserver:", err)
		os.Exit(1)
	}
}

// worker says that it is ready, and then answers each task.
const worker = `
	channel:send(null) -- ready
	for task in channel do
		local sum = 0
		for i = 1, task do sum = sum + i end
		channel:send({task = task, sum = sum})
	end
`

func run(ctx context.Context) error {
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	if _, err := group.OpenAll(ctx, "popen", "popen", "popen"); err != nil {
		return err
	}
	workers, err := group.RemoteExec(ctx, worker)
	if err != nil {
		return err
	}
	sums := make([]int, 11)
	next := 1
	for item, err := range workers.Items(ctx) {
		if err != nil {
			return err
		}
		if done, ok := item.Value.(map[string]any); ok {
			sums[done["task"].(int64)] = int(done["sum"].(int64))
		}
		if next == len(sums) {
			item.Channel.CloseWrite() // this worker's loop ends, and with the last one ours
			continue
		}
		if err := item.Channel.Send(ctx, next); err != nil {
			return err
		}
		next++
	}
	fmt.Println(sums[1:])
	return nil
}
