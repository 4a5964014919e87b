package main

import (
	"fmt"
	"runtime"

	"github.com/luagw/luagw"
	"github.com/spf13/cobra"
)

const versionTemplate = "luagw {{.Version}}\n"

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Tell the version",
		Long:    "Version tells the versions of luagw and of Go, and the platform. An agent must be of the same protocol version.",
		Example: "  luagw version",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "luagw %s %s %s/%s\n", luagw.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// noArguments is for commands that take none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError("%s: unexpected argument %q", cmd.Name(), args[0])
	}
	return nil
}
