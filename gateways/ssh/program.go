package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/child"
)

// program is a client of the system, such as ssh, and how it is to be called.
type program struct {
	spec *luagw.Spec
	path string
	args []string // the first is its name
}

// program finds the program of a spec's key ssh_program.
//
// It cannot ask anything at the terminal, where it would get in the way of this
// program: with BatchMode it does not try. Where $SSH_ASKPASS names a program
// that asks, that is used.
//
// Where a master stands that ssh would use, it need not be started.
func (d *Dialer) program(ctx context.Context, spec *luagw.Spec, line string) (*Client, error) {
	words, err := (&luagw.Spec{Kind: "exec", Target: line}).Command()
	if err != nil || len(words) == 0 {
		return nil, &luagw.SpecError{Spec: spec.String(), Key: "ssh_program", Reason: fmt.Sprintf("%q is no command line", line)}
	}
	options, err := d.programOptions(spec)
	if err != nil {
		return nil, err
	}
	path, err := child.Lookup(words[0])
	if err != nil {
		return nil, openError(spec, fault(luagw.StageResolve, fmt.Errorf("ssh_program: %w", err)))
	}
	client := &Client{spec: spec, program: &program{spec: spec, path: path, args: append(words, options...)}}
	if line == "ssh" {
		client.master = d.programMaster(ctx, spec)
	}
	return client, nil
}

// programMaster is the master that ssh would use. What ssh does itself is not told
// as missing here, and of what is wrong with the configuration ssh tells.
func (d *Dialer) programMaster(ctx context.Context, spec *luagw.Spec) *master {
	quiet := &Dialer{NetDial: d.NetDial, Notice: func(string) {}, Home: d.Home}
	h, err := quiet.target(ctx, spec)
	if err != nil {
		return nil
	}
	return d.master(ctx, h, spec.Params)
}

// programOptions are the keys of a spec as options of ssh(1).
func (d *Dialer) programOptions(spec *luagw.Spec) (args []string, err error) {
	add := func(flag, param string) {
		if value := spec.Params[param]; value != "" {
			args = append(args, flag, value)
		}
	}
	option := func(name, value string) { args = append(args, "-o", name+"="+value) }
	if file := spec.Params["ssh_config"]; file != "" {
		args = append(args, "-F", untilde(file, d.home())) // of all files the one that ssh leaves to the shell
	}
	add("-l", "user")
	add("-p", "port")
	add("-i", "identity")
	if file := spec.Params["known_hosts"]; file != "" {
		option("UserKnownHostsFile", strconv.Quote(file))
	}
	switch key := spec.Params["hostkey"]; key {
	case "":
	case "accept-new", "yes":
		option("StrictHostKeyChecking", key)
	default:
		return nil, &luagw.SpecError{Spec: spec.String(), Key: "hostkey", Reason: fmt.Sprintf("%q cannot be said to an ssh_program; accept-new and yes can", key)}
	}
	timeout, err := spec.Duration("timeout")
	if err != nil {
		return nil, err
	}
	if timeout > 0 {
		option("ConnectTimeout", strconv.Itoa(max(1, int(timeout/time.Second))))
	}
	if os.Getenv("SSH_ASKPASS") == "" {
		option("BatchMode", "yes")
	}
	return args, nil
}

// start starts the program. It has a process group of its own, which it may
// leave behind: ControlPersist makes it do so.
func (p *program) start(request, what string, opts RunOptions) (io.ReadWriteCloser, error) {
	args := append([]string(nil), p.args...)
	args = append(args, "-e", "none")
	if opts.PTY {
		args = append(args, "-tt")
	} else {
		args = append(args, "-T")
	}
	if request == "subsystem" {
		args = append(args, "-s")
	}
	process, err := child.Start(&child.Command{
		Path: p.path, Args: append(args, "--", p.spec.Target, what),
		Env: []string{"SSH_ASKPASS_REQUIRE=force"}, Stderr: opts.Stderr,
	})
	if err != nil {
		return nil, openError(p.spec, fault(luagw.StageSpawn, fmt.Errorf("ssh_program: %w", err)))
	}
	return &programSession{Process: process, program: p}, nil
}

// programSession is a running program as a connection.
type programSession struct {
	*child.Process
	program *program

	mu   sync.Mutex // guards came
	came bool       // something was read
}

var _ luagw.Exiter = (*programSession)(nil)

// Read reads from the command's standard output. Where that ends before
// anything came, because the program could not connect, the error tells why.
func (s *programSession) Read(b []byte) (int, error) {
	n, err := s.Process.Read(b)
	s.mu.Lock()
	s.came = s.came || n > 0
	came := s.came
	s.mu.Unlock()
	if errors.Is(err, io.EOF) && !came {
		return n, s.ending(err)
	}
	return n, closed(err)
}

// Write writes to the command's standard input.
func (s *programSession) Write(b []byte) (int, error) {
	n, err := s.Process.Write(b)
	return n, closed(err)
}

// Exit implements [luagw.Exiter].
func (s *programSession) Exit(ctx context.Context) luagw.Exit {
	return luagw.Exit(s.Process.Exit(ctx))
}

// programFailed is ssh's exit status where it failed itself.
const programFailed = 255

// ending explains the end of a program that has said nothing.
func (s *programSession) ending(err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	exit := s.Process.Exit(ctx)
	if exit.Code != programFailed {
		return err
	}
	return &luagw.OpenError{
		Spec: s.program.spec.String(), Stage: programStage(exit.Stderr), ExitCode: exit.Code, Stderr: printable(exit.Stderr),
		Err: fmt.Errorf("%s could not reach %s or log in there", s.program.path, s.program.spec.Target),
	}
}

// programStage guesses at which stage OpenSSH failed, from its own words: they
// are all it tells.
func programStage(said string) luagw.Stage {
	for _, hint := range []struct {
		words string
		stage luagw.Stage
	}{
		{"Could not resolve hostname", luagw.StageResolve},
		{"Host key verification failed", luagw.StageHostKey},
		{"Permission denied", luagw.StageAuth},
		{"Too many authentication failures", luagw.StageAuth},
	} {
		if strings.Contains(said, hint.words) {
			return hint.stage
		}
	}
	return luagw.StageDial
}

// closed is the project's error for what was closed on this side.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return luagw.ErrClosed
	}
	return err
}
