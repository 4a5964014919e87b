package main

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const execHelp = `Exec runs a fragment of Lua on each target and shows what comes back. The
fragment is CODE, a FILE, or - for the standard input; the ARGs are its "...".
Flags stand before the FILE: what follows it is the fragment's.

What the fragment returns, and the items that it sends on its channel, go to
standard output: strings as they stand, tables as JSON, several results on one
line with tabs between. What it prints goes to standard error. With several
targets each line begins with the target's id. Strings that are no UTF-8 stay as
they are, except within tables and --json, where JSON does not allow them.

With --json everything goes to standard output as one event a line:

  {"event":"print","gateway":"web1","value":"a line that was printed"}
  {"event":"item","gateway":"web1","value":{"free":12}}
  {"event":"result","gateway":"web1","value":["all","results",3]}
  {"event":"error","gateway":"web2","value":"f.lua:3: oops","traceback":"..."}
  {"event":"open_error","gateway":"web3","value":"...","stage":"dial"}

Each target ends with a result, an error or an open_error, unless it is
interrupted. Where an error is a table that was raised, it stands in "raised". A printed line can come before or after an item that was sent at
about the same time.

The fragment may require modules: they are found in the FILE's folder (the
current one for CODE and -) and then in the folders that LUAGW_PATH lists, and
travel to the target.

A target that has no id gets its host's name, or gw0, gw1, ... by its place. A
target may go through another one of the same command line by //via=ID.`

const execExample = `  luagw exec -e 'return host.hostname, host.os'
  luagw exec -t popen//id=a -t popen//id=b check.lua /var 90
  luagw exec --json-args -e 'return (...).port' '{"port": 80}'
  echo 'print(1)' | luagw exec -
  luagw exec --json --timeout 30s -t 'exec=docker exec -i web1' f.lua`

// execFlags are the flags of exec.
type execFlags struct {
	targets  []string
	code     string
	json     bool
	jsonArgs bool
	limit    int
	timeout  time.Duration
	dial     dialFlags
}

func newExecCommand() *cobra.Command {
	flags := &execFlags{}
	cmd := &cobra.Command{
		Use:     "exec [-t SPEC]... (-e CODE | FILE | -) [ARG...]",
		Short:   "Run a fragment on each target",
		Long:    execHelp + "\n\n" + exitCodes,
		Example: execExample,
		RunE:    flags.run,

		DisableFlagsInUseLine: true,
	}
	f := cmd.Flags()
	f.StringArrayVarP(&flags.targets, "target", "t", nil, "where to run it, a `SPEC`; may be repeated (default popen; see luagw help targets)")
	f.StringVarP(&flags.code, "eval", "e", "", "run `CODE` instead of a file")
	f.BoolVar(&flags.json, "json", false, "write one event a line, as JSON")
	f.BoolVar(&flags.jsonArgs, "json-args", false, "read the arguments as JSON, not as strings")
	f.IntVar(&flags.limit, "limit", 64, "run on at most `N` targets at a time")
	f.DurationVar(&flags.timeout, "timeout", 0, "give each target this long, with its opening (default no limit)")
	flags.dial.add(cmd)
	f.SetInterspersed(false) // what follows the fragment is the fragment's
	return cmd
}

// run is luagw exec. All that can be wrong on this side is found before anything
// is started.
func (flags *execFlags) run(cmd *cobra.Command, args []string) error {
	script, args, err := flags.script(cmd, args)
	if err != nil {
		return err
	}
	if err := flags.misplaced(cmd, args); err != nil {
		return err
	}
	values, err := flags.arguments(args)
	if err != nil {
		return err
	}
	targets, err := parseTargets(flags.targets)
	if err != nil {
		return err
	}
	if err := script.check(); err != nil {
		return err
	}
	dialer, err := flags.dial.dialer(cmd.Context())
	if err != nil {
		return err
	}
	report := &report{out: cmd.OutOrStdout(), errOut: cmd.ErrOrStderr(), json: flags.json, tagged: len(targets) > 1}
	e := newExecution(dialer.Dial, script, values, targets, report)
	e.timeout = flags.timeout
	e.slots = make(chan struct{}, min(flags.limit, len(targets)))
	return e.run(cmd.Context())
}

// script takes what is to be run off the arguments.
func (flags *execFlags) script(cmd *cobra.Command, args []string) (*script, []string, error) {
	if flags.limit < 1 {
		return nil, nil, usageError("exec: --limit must be 1 or more, got %d", flags.limit)
	}
	if flags.timeout < 0 {
		return nil, nil, usageError("exec: --timeout must not be negative, got %v", flags.timeout)
	}
	if cmd.Flags().Changed("eval") {
		return &script{name: "-e", source: flags.code, folder: "."}, args, nil
	}
	if len(args) == 0 {
		return nil, nil, usageError("exec: nothing to run: give -e CODE, a FILE, or - for the standard input")
	}
	script, err := readScript(args[0], cmd.InOrStdin())
	return script, args[1:], err
}

// misplaced refuses a target among the fragment's arguments where there is none
// before it: the fragment would run on this machine, and not on that one.
func (flags *execFlags) misplaced(cmd *cobra.Command, args []string) error {
	if len(flags.targets) > 0 || cmd.ArgsLenAtDash() >= 0 {
		return nil
	}
	for _, arg := range args {
		if arg == "-t" || arg == "--target" || strings.HasPrefix(arg, "--target=") {
			return usageError("exec: %q stands behind the fragment, and would be an argument of it: write it before, or -- before the fragment", arg)
		}
	}
	return nil
}

// arguments are the fragment's.
func (flags *execFlags) arguments(args []string) ([]any, error) {
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = arg
		if !flags.jsonArgs {
			continue
		}
		var err error
		if values[i], err = parseJSON(arg); err != nil {
			return nil, usageError("exec: argument %d: %q is no JSON: %w", i+1, arg, err)
		}
	}
	return values, nil
}

// end makes the command's end of what the targets' were.
func (e *execution) end(interrupted bool) error {
	switch {
	case e.report.err != nil:
		return e.report.err
	case interrupted:
		return &exitError{exitInterrupted, errInterrupted}
	case len(e.report.failed) > 0:
		return &exitError{exitFragment, e.report.summary()}
	case len(e.report.unreachable) > 0:
		return &exitError{exitUnreachable, e.report.summary()}
	}
	return nil
}

var errTimeout = errors.New("timed out")
