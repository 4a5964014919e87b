// Package ssh reaches hosts behind ssh as ssh(1) does: with the user's
// configuration, keys, agent and known hosts, through jump hosts, and without
// a program of the system. A [Dialer] connects and logs in, and the [Client]
// runs one command.
//
// What the configuration says is followed as ssh_config(5) tells, as far as it
// concerns one command without a terminal. A keyword that is not understood, or
// has no effect here, is told once to [Dialer.Notice]. With the spec's key
// ssh_program a program such as ssh is run instead, with all that it can do:
// its configuration, FIDO keys, GSSAPI. A ControlMaster that stands is used in
// either way, and this package never becomes one.
//
// Secrets stay on this side: agents are not forwarded, and through a jump host
// goes only what is encrypted for the host behind it. Host keys are always
// checked; see [HostKeyError]. The spec's key hostkey is accept-new, to take and
// write down the key of a host of which none is known; yes, which is usual; or a
// fingerprint, as in hostkey='SHA256:...', of the only key that is taken. Where a
// server has several, it is asked for one after the other, within the time of one.
//
// # Bounds
//
// Each stage, which are to resolve and dial, to agree on keys, to log in, and to
// start the command, has 10 seconds for each host on the way, or what the
// spec's timeout or ConnectTimeout says. The user's answers to questions have
// two minutes each and do not count. A peer from which nothing comes for 30
// seconds, though it was asked for a sign of life, is given up: see
// ServerAliveInterval, ServerAliveCountMax and the spec's keepalive.
package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/luagw/luagw"
)

// Dialer connects to hosts. The zero value is usable. Its fields must not be
// changed after the first Connect; all methods may be called concurrently. A
// Dialer remembers the keys that it has read and the passphrases that it was
// given, so one is best used for all hosts.
type Dialer struct {
	// NetDial makes the connections below SSH to hosts that are not reached
	// through a jump host or a ProxyCommand. A net.Dialer does if nil. The
	// connection need not have deadlines.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Ask asks the user for a passphrase, a password, or what else a server
	// wants to know, one question at a time. If nil, there is nobody to ask:
	// keys with a passphrase are not offered unless the agent has them.
	Ask func(ctx context.Context, q Question) (string, error)

	// Notice gets, each once, what the user should know though it is no
	// error: keywords of the configuration without effect, for instance. It
	// may be called on any goroutine. To os.Stderr if nil.
	Notice func(text string)

	// Home is the directory with .ssh in it. The user's home directory if
	// empty.
	Home string

	keys    keyFiles
	gate    gate
	asking  sync.Mutex // held while the user is asked
	adding  sync.Mutex // held while a file of known hosts is written
	noticed sync.Map   // texts that were told already
	pins    sync.Map   // types of the host keys that were pinned and met, by fingerprint
}

// Connect connects to the host of a spec of kind ssh and logs in. For kind tcp
// it does so to a luagw server, without the configuration files. ctx bounds the
// call and not the client. With the key ssh_program nothing is connected yet:
// the program does that when the command is run.
//
// Where a ControlMaster of OpenSSH's client stands for the host (ControlPath, and
// ControlMaster not yes or ask), its connection is used, as ssh(1) does, unless the
// spec has hostkey, known_hosts or identity. If the master gives no session the
// user is told by Notice, and the client makes a connection of its own.
//
// A spec that goes through a gateway has its connection made there, whatever
// ProxyJump and ProxyCommand say, and all else here: the host key is checked on this
// side, and keys stay on it.
//
// The error is an [*luagw.OpenError] with the stage, and in it a
// [*HostKeyError] or an [*AuthError] where these are the reason; or a
// [*luagw.SpecError]. It names the jump host if it is about one.
func (d *Dialer) Connect(ctx context.Context, spec *luagw.Spec) (*Client, error) {
	if line := spec.Params["ssh_program"]; line != "" {
		if err := startsHere("ssh_program", spec.Through()); err != nil {
			return nil, openError(spec, err)
		}
		return d.program(ctx, spec, line)
	}
	ctx = withThrough(ctx, spec)
	h, err := d.target(ctx, spec)
	if err != nil {
		return nil, openError(spec, fault(luagw.StageResolve, err))
	}
	connect := func(ctx context.Context) (*link, error) {
		return d.link(withThrough(ctx, spec), h, spec.Params["ssh_config"], 0)
	}
	if m := d.master(ctx, h, spec.Params); m != nil {
		return &Client{spec: spec, master: m, connect: connect}, nil
	}
	l, err := connect(ctx)
	if err != nil {
		return nil, openError(spec, err)
	}
	return &Client{spec: spec, link: l}, nil
}

// stageError is an error with the stage at which it happened.
type stageError struct {
	stage luagw.Stage
	err   error
	said  string // by the far side or a program on the way
}

func (e *stageError) Error() string { return e.err.Error() }
func (e *stageError) Unwrap() error { return e.err }

// fault tells at which stage something failed, unless err does.
func fault(stage luagw.Stage, err error) error {
	if _, ok := errors.AsType[*stageError](err); ok {
		return err
	}
	return &stageError{stage: stage, err: err}
}

// openError makes of err what Connect returns.
func openError(spec *luagw.Spec, err error) error {
	if specErr, ok := errors.AsType[*luagw.SpecError](err); ok {
		return specErr
	}
	open := &luagw.OpenError{Spec: spec.String(), Stage: luagw.StageDial, Err: err, ExitCode: -1}
	if at, ok := errors.AsType[*stageError](err); ok {
		open.Stage, open.Stderr = at.stage, at.said
	}
	return open
}

// home is the directory with .ssh in it.
func (d *Dialer) home() string {
	if d.Home != "" {
		return d.Home
	}
	home, _ := os.UserHomeDir()
	return home
}

// notice tells something once.
func (d *Dialer) notice(text string) {
	if _, told := d.noticed.LoadOrStore(text, true); told {
		return
	}
	if d.Notice != nil {
		d.Notice(text)
		return
	}
	fmt.Fprintln(os.Stderr, "luagw:", text)
}
