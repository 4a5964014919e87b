// Package become makes another user of whoever has been reached, by sudo, su or
// doas, before an agent is started: the keys become and become_method of a spec.
//
// It wraps a command line for a shell, has it run, and answers the prompt for a
// password, if there is one and somebody knows it. What it returns is a
// connection to the command, which runs as the other user by then.
//
// A password is never in a command line. It is written once, when the prompt has
// come: a second prompt says that it is wrong, and nothing more is tried, so that
// nobody is locked out. Prompts are known by a word of our own (sudo), or by being
// the beginning of a line that does not end (su, doas), in any language.
package become

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/luagw/luagw"
)

// Options say how a command is run.
type Options struct {
	// Stderr gets what it writes to its standard error.
	Stderr io.Writer

	// PTY runs it on a terminal of its own, which passes all bytes as they are
	// and echoes none.
	PTY bool
}

// RunFunc runs a command line where another user is to be become. ctx bounds the
// call. The error is [ErrNoTerminal] where there are no terminals.
type RunFunc func(ctx context.Context, line string, opts Options) (io.ReadWriteCloser, error)

// ErrNoTerminal is returned by a [RunFunc] that can give no terminal.
var ErrNoTerminal = errors.New("there is no terminal to be had on the way")

// PasswordFunc tells the password for becoming the user that spec names. ctx
// bounds it.
type PasswordFunc func(ctx context.Context, spec *luagw.Spec) (string, error)

// Become becomes other users. The zero value knows no password, and so is for
// those who need none. Its fields must not be changed after the first Start,
// which may be called concurrently.
type Become struct {
	// Password is asked when a prompt has come. Nobody knows it if nil: then
	// nothing ever prompts.
	Password PasswordFunc
}

// Wanted says whether spec names another user to become.
func Wanted(spec *luagw.Spec) bool { return spec.Params["become"] != "" }

// Start has run run a command line as the user whom spec names, and returns the
// connection to it once it runs as that user: this waits for one round trip. The
// line is one for any shell, as bootstrap.Command makes it.
//
// ctx bounds the call and not the connection. The error is an [*luagw.OpenError]
// with StageAuth where it was refused, with the words of who did; run's own; or
// a [*luagw.SpecError].
func (b *Become) Start(ctx context.Context, spec *luagw.Spec, line string, run RunFunc) (io.ReadWriteCloser, error) {
	m, err := methodOf(spec)
	if err != nil {
		return nil, err
	}
	t := &try{spec: spec, method: m, password: b.Password, mark: "luagw-" + rand.Text()}
	t.pty = m.alwaysPTY && b.Password != nil
	conn, err := t.start(ctx, line, run)
	if refusal, ok := errors.AsType[*refusal](err); ok && refusal.wantsTerminal && !t.pty {
		t.pty = true
		conn, err = t.start(ctx, line, run)
	}
	if err == nil {
		return conn, nil
	}
	return nil, t.openError(err)
}

// ErrNoPassword is wrapped by errors of Start where a password was asked for that
// nobody knows.
var ErrNoPassword = errors.New("it asks for a password, and nobody knows one")

// refusal is why the other user was not become.
type refusal struct {
	reason        string
	wantsTerminal bool
	said          string
	exit          int
}

func (r *refusal) Error() string { return r.reason }

func (r *refusal) Is(target error) bool {
	return target == ErrNoPassword && r.reason == ErrNoPassword.Error()
}

// openError makes a sentence of it all.
func (t *try) openError(err error) error {
	user := t.spec.Params["become"]
	open := &luagw.OpenError{Spec: t.spec.String(), Stage: luagw.StageAuth, ExitCode: -1}
	if refusal, ok := errors.AsType[*refusal](err); ok {
		open.Stderr, open.ExitCode = refusal.said, refusal.exit
	} else if _, ok := errors.AsType[*luagw.OpenError](err); ok {
		return err
	}
	if errors.Is(err, ErrNoTerminal) {
		err = fmt.Errorf("%s insists on a terminal, and %w", t.method.name, err)
	}
	open.Err = fmt.Errorf("become %s by %s: %w", user, t.method.name, err)
	return open
}

// splice puts words before the command of a line that a shell is to become.
func splice(words, line string) string {
	return "exec " + words + " " + strings.TrimPrefix(line, "exec ")
}

// quote makes one word of a line, for any shell.
func quote(line string) string { return "'" + strings.ReplaceAll(line, "'", `'\''`) + "'" }
