// Demo opens a few gateways to processes on this machine, has a fragment report
// on the host that it runs on, and shows in a table what came back.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/lua"
)

//go:embed report.lua
var reportSource string

// specs are the gateways. On other machines they would begin with exec=.
var specs = []string{
	"popen//id=plain",
	"popen//id=root//dir=/",
	"popen//id=nice//nice=10",
	"popen//id=env//env:GREETING=hello",
}

// report is what the fragment sends.
type report struct {
	PID      int     `luagw:"pid"`
	Host     string  `luagw:"host"`
	System   string  `luagw:"system"`
	CPUs     int     `luagw:"cpus"`
	Memory   float64 `luagw:"memory"` // GiB; 0 where the system does not tell
	Dir      string  `luagw:"dir"`
	Greeting string  `luagw:"greeting"`
}

func main() {
	luagw.ServeIfAgent(&lua.Runtime{}) // popen starts this very program as the agent
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	start := time.Now()
	opened, err := group.OpenAll(ctx, specs...)
	if err != nil {
		return err
	}
	fmt.Printf("%d agents started in %v\n", len(opened), time.Since(start).Round(time.Millisecond))

	start = time.Now()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tPID\tHOST\tSYSTEM\tCPUS\tMEMORY\tGREETING\tDIR")
	for _, gw := range opened {
		if err := addRow(ctx, table, gw); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Printf("reports collected in %v\n", time.Since(start).Round(time.Millisecond))
	return group.Shutdown(ctx)
}

// addRow has the fragment report from one gateway.
func addRow(ctx context.Context, table *tabwriter.Writer, gw *luagw.Gateway) error {
	ch, err := gw.RemoteExec(ctx, reportSource)
	if err != nil {
		return err
	}
	r, err := luagw.ReceiveAs[report](ctx, ch)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%d\t%.1f GiB\t%s\t%s\n",
		gw.ID(), r.PID, r.Host, r.System, r.CPUs, r.Memory, r.Greeting, r.Dir)
	return err
}
