package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua"
	glua "github.com/yuin/gopher-lua"
)

// fib calls itself about 800,000 times and allocates next to nothing.
const (
	fib = `
local function fib(n)
	if n < 2 then return n end
	return fib(n - 1) + fib(n - 2)
end
return fib(27)`
	fib27 = 196418
)

// local is a job in this very process: the median time of one turn.
func local(work func(ctx context.Context) error) starter {
	return func(context.Context, *bench) (*runner, error) {
		measure := func(ctx context.Context, n int) (float64, error) {
			times := make([]time.Duration, n)
			for i := range times {
				start := time.Now()
				if err := work(ctx); err != nil {
					return 0, err
				}
				times[i] = time.Since(start)
			}
			return median(times), nil
		}
		return &runner{measure: measure, close: func() {}}, nil
	}
}

// loop runs in luagw's runtime, under a context that can be cancelled.
func loop(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	chunk := &luagw.Chunk{Name: "fib", Source: fib}
	runtime := &lua.Runtime{}
	err := runtime.RunLocal(ctx, chunk, io.Discard, func(name string) (string, error) {
		return "", fmt.Errorf("no module %q", name)
	})
	if err != nil {
		return err
	}
	if err := check("results", len(chunk.Results), 1); err != nil {
		return err
	}
	raw, _ := chunk.Results[0].(luagw.Raw)
	result, err := luagw.Unmarshal(raw)
	if err != nil {
		return err
	}
	return check[any]("fib(27)", result, int64(fib27))
}

// bareLoop runs in gopher-lua without any context, with the stack of calls that
// luagw's states have: one that grows.
func bareLoop(context.Context) error {
	L := glua.NewState(glua.Options{CallStackSize: 8000, MinimizeStackMemory: true})
	defer L.Close()
	if err := L.DoString(fib); err != nil {
		return err
	}
	return check[glua.LValue]("fib(27)", L.Get(-1), glua.LNumber(fib27))
}
