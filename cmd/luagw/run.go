package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/lua"
	"github.com/spf13/cobra"
)

const runHelp = `Run runs a Lua script on this machine. By its module luagw the script opens
gateways, runs fragments on them and talks with them; the ARGs are its "...". A
SCRIPT of - is read from the standard input.

What the script prints goes to standard output. What fragments print goes to
standard error, each line with the id of its gateway. When the script ends, the
gateways that it has opened are closed. os.exit(n) ends it with that exit code.
A host that it cannot reach and a fragment that fails are errors, which it may
catch by pcall. Its standard input is empty.

The script, and the fragments that it starts, may require modules: they are
found in the script's folder (the current one for -) and then in the folders
that LUAGW_PATH lists.`

const runExample = `  luagw run play.lua web1 web2

where play.lua may be

  local group = luagw.group()
  for _, host in ipairs({...}) do
    group:open("ssh:" .. host .. "//id=" .. host)
  end
  local channels = group:remote_exec("channel:send(host.load[1])")
  for channel, load in channels:items() do
    print(channel:gateway().id, load)
  end`

func newRunCommand() *cobra.Command {
	flags := &dialFlags{}
	cmd := &cobra.Command{
		Use:     "run SCRIPT.lua [ARG...]",
		Short:   "Run a script on this side, which opens gateways itself",
		Long:    runHelp + "\n\n" + runExitCodes,
		Example: runExample,
		RunE:    func(cmd *cobra.Command, args []string) error { return runScript(cmd, args, flags) },

		DisableFlagsInUseLine: true,
	}
	flags.add(cmd)
	cmd.Flags().SetInterspersed(false) // what follows the script is the script's
	return cmd
}

// runScript is luagw run.
func runScript(cmd *cobra.Command, args []string, flags *dialFlags) error {
	if len(args) == 0 {
		return usageError("run: nothing to run: give a SCRIPT, or - for the standard input")
	}
	script, err := readScript(args[0], cmd.InOrStdin())
	if err != nil {
		return err
	}
	if err := script.check(); err != nil {
		return err
	}
	dialer, err := flags.dialer(cmd.Context())
	if err != nil {
		return err
	}
	chunk := &luagw.Chunk{Name: script.name, Source: script.source}
	for _, arg := range args[1:] {
		chunk.Args = append(chunk.Args, arg)
	}
	return script.run(cmd.Context(), dialer.Dial, chunk, cmd.OutOrStdout(), cmd.ErrOrStderr())
}

// run runs the script on this side.
func (s *script) run(ctx context.Context, dial luagw.DialFunc, chunk *luagw.Chunk, stdout, stderr io.Writer) error {
	modules := modulesOf(s.folder)
	report := &report{out: stdout, errOut: stderr, tagged: true}
	near := lua.Near(func() *luagw.Group {
		return &luagw.Group{Dial: dial, Modules: modules, Print: report.print}
	})
	runtime := &lua.Runtime{Modules: []lua.Module{near}}
	err := runtime.RunLocal(ctx, chunk, stdout, func(name string) (string, error) {
		return luagw.ReadModule(modules, name)
	})
	if err == nil {
		return nil
	}
	if interrupted(ctx) {
		return &exitError{exitInterrupted, errInterrupted}
	}
	if remote, ok := errors.AsType[*luagw.RemoteError](err); ok {
		if code, exited := remote.Value.(int); exited {
			return &exitError{code: code} // os.exit(code): it has told what it had to tell
		}
		err = fmt.Errorf("%w%s\n%s", remote, tableOf(remote), remote.Traceback)
	}
	return &exitError{exitFragment, err}
}
