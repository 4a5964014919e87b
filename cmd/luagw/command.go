package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/luagw/luagw"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const rootHelp = `Luagw runs fragments of Lua on other machines, and in other processes, and talks with
them over channels. On the other side nothing has to be installed: an agent is sent.

Results go to standard output, and everything else to standard error.`

const rootExample = `  luagw exec -e 'return host.hostname'                        on this machine, in a process of its own
  luagw exec -t popen//id=a -t popen//id=b -e 'return ...' 1  on several targets, with an argument
  luagw exec -t ssh:web1 -e 'return host.hostname'            on a host behind ssh
  luagw exec -t 'exec=docker exec -i web1' f.lua              a file, in a container
  luagw run play.lua                                          a script that opens gateways itself`

// run does what the arguments say until ctx ends, and returns what to exit
// with. stdout and stderr must be safe for concurrent use, as files are.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exitCode(stderr, root.ExecuteContext(ctx))
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "luagw",
		Short:         "Run Lua on other machines",
		Long:          rootHelp + "\n\n" + exitCodes,
		Example:       rootExample,
		Version:       luagw.Version(),
		Args:          checkCommand,
		RunE:          showUsage,
		SilenceErrors: true, // run tells them
		SilenceUsage:  true, // an error is one sentence, not a page
	}
	root.SuggestionsMinimumDistance = 2
	root.SetVersionTemplate(versionTemplate)
	// The root runs only to refuse: its usage is that of its commands.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", "{{if and .Runnable .HasParent}}", 1))
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newExecCommand(), newRunCommand(), newServeCommand(), newKeygenCommand(), newVersionCommand(), newCompletionCommand(), newTargetsTopic())
	root.SetHelpCommand(newHelpCommand())
	return root
}

// checkCommand refuses a command that there is not.
func checkCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError("unknown command %q%s", args[0], didYouMean(root, args[0], "luagw help"))
}

// showUsage answers a luagw without a command.
func showUsage(root *cobra.Command, _ []string) error {
	root.SetOut(root.ErrOrStderr())
	if err := root.Help(); err != nil {
		return err
	}
	return &exitError{code: exitUsage}
}

// didYouMean is the hint behind an unknown word: the nearest of parent's
// commands, or where they are listed.
func didYouMean(parent *cobra.Command, word, list string) string {
	if near := parent.SuggestionsFor(word); len(near) > 0 {
		return fmt.Sprintf("; did you mean %q?", near[0])
	}
	return "; see " + list
}

// flagError names the nearest flag to one that there is not.
func flagError(cmd *cobra.Command, err error) error {
	where, list := cmd.Name()+": ", "luagw help "+cmd.Name()
	if !cmd.HasParent() {
		where, list = "", "luagw help"
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return usageError("%s%w", where, err)
	}
	if unknown.GetSpecifiedShortnames() != "" {
		return usageError("%sunknown flag %q; see %s", where, "-"+unknown.GetSpecifiedName(), list)
	}
	flag := "--" + unknown.GetSpecifiedName()
	return usageError("%sunknown flag %q%s", where, flag, didYouMean(flagsAsCommands(cmd), flag, list))
}

// flagsAsCommands has the flags of cmd as commands, for cobra knows nearness of
// commands only.
func flagsAsCommands(cmd *cobra.Command) *cobra.Command {
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: "--" + f.Name, Run: func(*cobra.Command, []string) {}})
	})
	return flags
}
