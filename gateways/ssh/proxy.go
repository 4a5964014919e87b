package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/child"
)

// proxy is a ProxyCommand as a connection.
type proxy struct {
	*child.Process
	command string
}

// startProxy runs a ProxyCommand, by the shell, as OpenSSH does.
func startProxy(command string) (net.Conn, error) {
	args := byShell("exec " + command)
	if runtime.GOOS == "windows" {
		args = byShell(command)
	}
	path, err := child.Lookup(args[0])
	if err != nil {
		return nil, fault(luagw.StageDial, fmt.Errorf("ProxyCommand %q: %w", command, err))
	}
	process, err := child.Start(&child.Command{Path: path, Args: args})
	if err != nil {
		return nil, fault(luagw.StageDial, fmt.Errorf("ProxyCommand %q: %w", command, err))
	}
	return &proxy{process, command}, nil
}

// byShell is how a command of the configuration is run: by the user's shell, as
// OpenSSH does, for it may be written in that one's language.
func byShell(command string) (args []string) {
	if runtime.GOOS == "windows" {
		return []string{"cmd", "/c", command}
	}
	return []string{first(os.Getenv("SHELL"), "/bin/sh"), "-c", command}
}

// Read tells, in the place of an end, how the command ended.
func (p *proxy) Read(b []byte) (int, error) {
	n, err := p.Process.Read(b)
	if n > 0 || !errors.Is(err, io.EOF) {
		return n, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	exit := p.Process.Exit(ctx)
	return 0, &proxyError{p.command, exit}
}

// proxyError tells how a ProxyCommand ended.
type proxyError struct {
	command string
	exit    child.Exit
}

func (e *proxyError) Error() string {
	text := fmt.Sprintf("ProxyCommand %q has ended with status %d", e.command, e.exit.Code)
	if e.exit.Signal != "" {
		text = fmt.Sprintf("ProxyCommand %q was ended by the signal %q", e.command, e.exit.Signal)
	}
	if said := printable(e.exit.Stderr); said != "" {
		text += ": " + said
	}
	return text
}

func (p *proxy) LocalAddr() net.Addr  { return proxyAddr(p.command) }
func (p *proxy) RemoteAddr() net.Addr { return proxyAddr(p.command) }

// SetDeadline sets both deadlines.
func (p *proxy) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}

// proxyAddr is the address of what a command reaches.
type proxyAddr string

func (proxyAddr) Network() string  { return "command" }
func (a proxyAddr) String() string { return string(a) }
