package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// agentKeys are the keys of an ssh-agent, over one connection. A nil one has
// none.
type agentKeys struct {
	conn    io.ReadWriteCloser
	client  agent.ExtendedAgent
	stop    func() bool // of the context's hold on conn
	signers []gossh.Signer
}

// dialAgent asks an agent which keys it has. ctx bounds this and all signing.
func dialAgent(ctx context.Context, socket string) (*agentKeys, error) {
	conn, err := openAgent(ctx, socket)
	if err != nil {
		return nil, err
	}
	a := &agentKeys{conn: conn, client: agent.NewClient(conn), stop: context.AfterFunc(ctx, func() { conn.Close() })}
	a.signers, err = a.client.Signers()
	if err != nil {
		a.close()
		return nil, fmt.Errorf("%s does not tell its keys: %s", socket, strings.TrimPrefix(err.Error(), "agent: "))
	}
	return a, nil
}

// openAgent connects to an agent: at a socket, or at a named pipe on Windows.
func openAgent(ctx context.Context, path string) (io.ReadWriteCloser, error) {
	if runtime.GOOS == "windows" {
		return os.OpenFile(path, os.O_RDWR, 0)
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}

// keys are all that the agent has.
func (a *agentKeys) keys() (keys []identity) {
	if a == nil {
		return nil
	}
	for _, signer := range a.signers {
		name := "a key of the agent"
		if key, ok := signer.PublicKey().(*agent.Key); ok && key.Comment != "" {
			name = fmt.Sprintf("%q of the agent", key.Comment)
		}
		if cert := certificate(signer.PublicKey()); cert != nil {
			name += outOfTime(cert, time.Now())
		}
		keys = append(keys, identity{name, signer, true})
	}
	return keys
}

// signer finds a key; nil if the agent does not have it.
func (a *agentKeys) signer(public gossh.PublicKey) gossh.Signer {
	for _, key := range a.keys() {
		if same(key.signer.PublicKey(), public) {
			return key.signer
		}
	}
	return nil
}

// keep gives the agent a key, on terms. A nil one takes none.
func (a *agentKeys) keep(terms agent.AddedKey, key any, name string) error {
	if a == nil {
		return nil
	}
	terms.PrivateKey, terms.Comment = key, name
	if err := a.client.Add(terms); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "agent: "))
	}
	return nil
}

func (a *agentKeys) close() {
	if a != nil {
		a.stop()
		a.conn.Close()
	}
}
