package luagw

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// ErrClosed is what errors.Is finds in the errors of calls on what was closed on
// this side; they tell what it was. It wraps [net.ErrClosed].
var ErrClosed error = &closedError{"luagw: closed on this side", net.ErrClosed}

// What was closed on this side, or on the other.
var (
	errChannelClosed = &closedError{"luagw: the channel was closed on this side", ErrClosed}
	errWriteClosed   = &closedError{"luagw: the channel was closed for sending on this side", ErrClosed}
	errPeerClosed    = &closedError{"luagw: the channel was closed on the other side", net.ErrClosed}
	errGatewayClosed = &closedError{"luagw: the gateway was closed on this side", ErrClosed}
	errGroupClosed   = &closedError{"luagw: the group was closed", ErrClosed}
)

// closedError is an error of use after the end, in a sentence of its own: that of
// net.ErrClosed speaks of network connections, of which users here know nothing.
type closedError struct {
	text string
	kind error // what errors.Is finds in it
}

func (e *closedError) Error() string { return e.text }

func (e *closedError) Unwrap() error { return e.kind }

// SpecError tells what is wrong in a spec string. Nothing was started.
type SpecError struct {
	Spec   string // the whole spec
	Key    string // the key or part at fault; empty if the spec as a whole is
	Reason string // with the offending value in quotes, and the nearest known key if there is one
}

func (e *SpecError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("spec %q: %s", e.Spec, e.Reason)
	}
	return fmt.Sprintf("spec %q: %s: %s", e.Spec, e.Key, e.Reason)
}

// OpenError tells why a gateway could not be opened, and at which stage. What
// had been started is gone.
type OpenError struct {
	Spec     string // the spec as given
	Stage    Stage
	Err      error
	Stderr   string // the last the far side wrote to its standard error or, before a hello, to its output
	ExitCode int    // of the far process; -1 if it did not exit or is not known
}

// Stage is a step on the way to an open gateway.
type Stage string

// The stages, in their order.
const (
	StageResolve   Stage = "resolve"
	StageDial      Stage = "dial"
	StageHostKey   Stage = "hostkey"
	StageAuth      Stage = "auth"
	StageSpawn     Stage = "spawn"
	StageBootstrap Stage = "bootstrap"
	StageHello     Stage = "hello"
)

func (e *OpenError) Error() string {
	text := fmt.Sprintf("open %q: %s: %v", e.Spec, e.Stage, e.Err)
	if e.ExitCode > 0 {
		text += fmt.Sprintf(" (exit status %d)", e.ExitCode)
	}
	return text + quoteTail(e.Stderr)
}

func (e *OpenError) Unwrap() error { return e.Err }

// RemoteError is an error that a fragment raised.
type RemoteError struct {
	Gateway   string // id of the gateway
	Message   string // with chunk name and line, as Lua gives it
	Traceback string
	Value     any // what was raised, if it was not a string
}

func (e *RemoteError) Error() string {
	if e.Gateway == "" {
		return e.Message
	}
	return e.Gateway + ": " + e.Message
}

// ValueError tells which part of a value cannot travel, or cannot be put where
// it should go.
type ValueError struct {
	Path   string // where in the value, for instance "item.hosts[3].f"
	Type   string // what stands there
	Reason string // why not; empty if the type alone says it
}

func (e *ValueError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("%s: %s cannot be sent", e.Path, e.Type)
	}
	return fmt.Sprintf("%s: %s: %s", e.Path, e.Type, e.Reason)
}

// GatewayLostError tells that a gateway's connection ended without a goodbye.
// Every call on the gateway and its channels returns it, every time.
type GatewayLostError struct {
	ID       string
	Cause    error
	ExitCode int    // of the far process; -1 if it was ended by a signal or is not known
	Signal   string // that ended the far process, for instance "killed"; empty if none
	Stderr   string // the last it wrote to its standard error
}

func (e *GatewayLostError) Error() string {
	text := fmt.Sprintf("gateway %s lost: %v", e.ID, e.Cause)
	switch {
	case e.Signal != "":
		text += fmt.Sprintf(" (signal: %s)", e.Signal)
	case e.ExitCode >= 0:
		text += fmt.Sprintf(" (exit status %d)", e.ExitCode)
	}
	return text + quoteTail(e.Stderr)
}

func (e *GatewayLostError) Unwrap() error { return e.Cause }

// quoteTail renders the far side's own words for the end of a sentence, without
// what could do something to a terminal.
func quoteTail(stderr string) string {
	stderr = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || strconv.IsPrint(r) {
			return r
		}
		return -1
	}, stderr))
	if stderr == "" {
		return ""
	}
	return ": " + stderr
}
