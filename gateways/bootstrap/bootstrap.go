// Package bootstrap starts agents where nothing is installed: it makes the one
// command line that a host has to run, and then talks with it over its standard
// input and output.
//
// The command finds the agent in the user's cache on that host by its hash, and
// runs it. Where it is not there, the agent for that host's platform is sent
// over the same connection, checked, kept and run. A POSIX sh is enough for it,
// busybox's for instance. doc/bootstrap.md tells what is run and written on a
// host, and what is checked.
//
// Whoever has a connection to a host, by ssh or by docker exec, uses
// [Bootstrap.Command] and [Bootstrap.Start]; for specs of kind exec
// [Bootstrap.Exec] makes the whole command line.
package bootstrap

import (
	"context"
	"io"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/agents"
)

// AheadVar is the environment variable in which a connection may bring the first
// bytes of the standard input ahead of it, in base64 of the alphabet for URLs
// and without padding: the agent acts on them at once. Its name is one that sshd
// takes on most systems. They have to come in the standard input as well.
const AheadVar = "LC_LUAGW"

// Bootstrap starts agents. The zero value is usable. Its fields must not be
// changed after the first call; its methods may be called concurrently.
type Bootstrap struct {
	// Agents gives the agents to run. agents.Default() if nil.
	Agents agents.Source
}

func (b *Bootstrap) source() agents.Source {
	if b.Agents == nil {
		return agents.Default()
	}
	return b.Agents
}

// Command returns the command line that the host is to run: one line, of less
// than 5 KiB as long as spec names no agent, that any login shell takes, be it
// a Bourne shell, csh or fish. If spec.Agent is set it is that program, whose
// words are quoted so that no shell changes them; a word with a line break is
// not for csh. The error is a [*luagw.SpecError] if spec.Agent cannot be read.
func (b *Bootstrap) Command(spec *luagw.Spec) (string, error) {
	if spec.Agent != "" {
		words, err := agentWords(spec)
		if err != nil {
			return "", err
		}
		return "exec " + quoteWords(words), nil
	}
	all, _ := b.source().Agents() // Start tells what is missing, once it is missed
	return commandLine(all), nil
}

// agentWords splits spec.Agent, for which Spec.Command of kind exec has no eye.
func agentWords(spec *luagw.Spec) ([]string, error) {
	other := spec
	if spec.Kind == "exec" {
		other = &luagw.Spec{Kind: "popen", Agent: spec.Agent}
	}
	return other.Command()
}

// Start returns a connection to the agent that the command line starts. conn is
// the standard input and output of [Bootstrap.Command]'s, which is being
// started, and belongs to the returned connection from then on: Close closes
// it.
//
// Start does not wait. The connection takes writes at once: what is written
// before the agent's hello goes out, and is kept, up to 64 KiB, until it is
// known that an agent reads it; a Write of more waits. Where there is no agent
// yet, it is sent, and after it what was kept. All this is done within Read,
// which then returns the agent's hello, and before it whatever login scripts
// have printed. Read and Write may be called concurrently with one another and
// with Close, each by one goroutine at a time.
//
// If the bootstrap fails, Read returns a [*luagw.OpenError] of stage bootstrap,
// every time. ctx has values for what is done within Read, but does not bound
// it: Close does. If conn is a [luagw.Exiter], so is the connection.
func (b *Bootstrap) Start(ctx context.Context, spec *luagw.Spec, conn io.ReadWriteCloser) (io.ReadWriteCloser, error) {
	if err := context.Cause(ctx); err != nil {
		conn.Close()
		return nil, &luagw.OpenError{Spec: spec.String(), Stage: luagw.StageBootstrap, Err: err, ExitCode: -1}
	}
	if spec.Agent != "" {
		return conn, nil
	}
	return newConnection(ctx, spec, b.source(), conn), nil
}
