package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/gateways/become"
	"github.com/luagw/luagw/gateways/ssh"
)

// becomeVar is the environment variable with the password for becoming another
// user.
const becomeVar = "LUAGW_BECOME_PASS"

// becomeHint is for who has given none where one is needed.
const becomeHint = "--ask-become-pass asks for it; --become-pass-file and $" + becomeVar + " have it at hand"

// dialFlags are the flags of commands that open gateways, as far as these are
// concerned.
type dialFlags struct {
	askBecome  bool
	becomeFile string
}

func (flags *dialFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&flags.askBecome, "ask-become-pass", false, "ask for the password of become= at the terminal, once, before anything is started")
	f.StringVar(&flags.becomeFile, "become-pass-file", "", "read it from the first line of `FILE` (default $"+becomeVar+")")
}

// dialer makes the Dialer, with all that has to be asked or read before
// anything is started. Errors are usage errors.
func (flags *dialFlags) dialer(ctx context.Context) (*gateways.Dialer, error) {
	at := findTerminal()
	d := &gateways.Dialer{SSH: &ssh.Dialer{}}
	if at != nil {
		d.SSH.Ask = at.question
	}
	password, known, err := flags.becomePassword(ctx, at)
	if err != nil {
		return nil, err
	}
	if known {
		d.Become = become.Become{Password: func(context.Context, *luagw.Spec) (string, error) { return password, nil }}
	}
	return d, nil
}

// becomePassword finds the password. The environment does not keep it: what is
// started on this machine would inherit it.
func (flags *dialFlags) becomePassword(ctx context.Context, at *terminal) (password string, known bool, err error) {
	inherited, set := os.LookupEnv(becomeVar)
	os.Unsetenv(becomeVar)
	switch {
	case flags.askBecome && flags.becomeFile != "":
		return "", false, usageError("--ask-become-pass and --become-pass-file exclude each other")
	case flags.askBecome && at == nil:
		return "", false, usageError("--ask-become-pass: there is no terminal to ask at; use --become-pass-file or $%s", becomeVar)
	case flags.askBecome:
		password, err = at.ask(ctx, "Password of become:", true)
		if interrupted(ctx) {
			return "", false, &exitError{exitInterrupted, errInterrupted}
		}
		if err != nil {
			return "", false, usageError("--ask-become-pass: %w", err)
		}
		return password, true, nil
	case flags.becomeFile != "":
		text, err := os.ReadFile(flags.becomeFile)
		if err != nil {
			return "", false, usageError("--become-pass-file: %w", err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		return strings.TrimSuffix(line, "\r"), true, nil
	}
	return inherited, set, nil
}
