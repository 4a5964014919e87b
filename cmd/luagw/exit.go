package main

import (
	"errors"
	"fmt"
	"io"
)

// What luagw exits with.
const (
	exitOK          = 0
	exitOwn         = 1   // luagw itself failed
	exitUsage       = 2   // the command line is wrong; nothing was started
	exitFragment    = 3   // a fragment or script failed
	exitUnreachable = 4   // a host could not be reached, and no fragment failed
	exitInterrupted = 130 // by SIGINT, SIGTERM or SIGHUP
)

// exitCodes is the table of them, for help texts.
const exitCodes = `Exit codes:
  0    all is well
  1    luagw itself failed: a file that cannot be read, an output that cannot be written
  2    the command line is wrong; nothing was started
  3    a fragment or script failed somewhere, or is no Lua (then nothing was started)
  4    a host could not be reached, and no fragment failed
  130  interrupted (Ctrl-C); what ran was ended`

// runExitCodes is that of luagw run, where a host that cannot be reached is an
// error of the script's.
const runExitCodes = `Exit codes:
  0    all is well
  1    luagw itself failed: a file that cannot be read, an output that cannot be written
  2    the command line is wrong; nothing was started
  3    the script failed, or is no Lua (then nothing was started)
  130  interrupted (Ctrl-C); what ran was ended`

// exitError ends the command with a code. A nil err has been told already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageError is a mistake on the command line.
func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// exitCode tells err to the user, unless that was done, and returns what to
// exit with.
func exitCode(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	exit, ok := errors.AsType[*exitError](err)
	if !ok {
		exit = &exitError{exitOwn, err}
	}
	if exit.err != nil {
		fmt.Fprintf(stderr, "luagw: %s\n", indentRest(exit.err.Error()))
	}
	return exit.code
}
