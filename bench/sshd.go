package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"time"
)

// sshdPath is where the program is looked for: it wants to be called by its
// whole path.
const sshdPath = "/usr/sbin/sshd"

// site is some of OpenSSH's servers, each on an address of its own on this
// machine, and what a client needs to log in to them as the user of the bench.
type site struct {
	dir     string
	port    int
	hosts   []string // addresses
	netns   string   // network namespace that the servers are in; this one's if empty
	servers []*exec.Cmd
}

// newSite starts servers. All that they need lies in a directory that close
// removes, also the cache in which agents are put.
func newSite(ctx context.Context, hosts []string, netns string) (*site, error) {
	if _, err := os.Stat(sshdPath); err != nil {
		return nil, fmt.Errorf("%w: no OpenSSH server here", errors.ErrUnsupported)
	}
	dir, err := os.MkdirTemp("", "luagw-bench-ssh-")
	if err != nil {
		return nil, err
	}
	s := &site{dir: dir, hosts: hosts, netns: netns}
	if err := s.start(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *site) file(name string) string { return filepath.Join(s.dir, name) }

func (s *site) start(ctx context.Context) error {
	os.MkdirAll("/run/sshd", 0o755) // a server of root's wants it; others say what they miss
	for _, key := range []string{"host", "user"} {
		cmd := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", s.file(key))
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	if err := s.writeFiles(); err != nil {
		return err
	}
	for _, host := range s.hosts {
		args := []string{sshdPath, "-D", "-e", "-f", s.file("sshd_config"), "-o", "ListenAddress=" + host}
		if s.netns != "" {
			args = append([]string{"ip", "netns", "exec", s.netns}, args...)
		}
		cmd := exec.Command(args[0], args[1:]...)
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("start sshd: %w", err)
		}
		s.servers = append(s.servers, cmd)
	}
	for _, host := range s.hosts {
		if err := s.await(ctx, host); err != nil {
			return err
		}
	}
	return nil
}

// writeFiles writes the servers' files and the client's. The user's home is an empty
// directory, so that startup files of his shell take no part in what is measured.
func (s *site) writeFiles() error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	userKey, err := os.ReadFile(s.file("user.pub"))
	if err != nil {
		return err
	}
	hostKey, err := os.ReadFile(s.file("host.pub"))
	if err != nil {
		return err
	}
	var known strings.Builder
	for _, host := range s.hosts {
		fmt.Fprintf(&known, "[%s]:%d %s", host, s.port, hostKey)
	}
	for name, text := range map[string]string{
		"authorized_keys": string(userKey),
		"known_hosts":     known.String(),
		"sshd_config": fmt.Sprintf("Port %d\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nUsePAM no\n"+
			"PasswordAuthentication no\nPermitRootLogin yes\nUseDNS no\nSetEnv HOME=%s XDG_CACHE_HOME=%s\n",
			s.port, s.file("host"), s.file("authorized_keys"), s.file("home"), s.file("cache")),
		"ssh_config": fmt.Sprintf("Host *\n\tUser %s\n\tPort %d\n\tIdentityFile %s\n\tIdentitiesOnly yes\n\tIdentityAgent none\n"+
			"\tUserKnownHostsFile %s\n\tGlobalKnownHostsFile /dev/null\n\tBatchMode yes\n\tControlPath %s\n",
			me.Username, s.port, s.file("user"), s.file("known_hosts"), s.file("master-%h")),
	} {
		if err := os.WriteFile(s.file(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return errors.Join(os.Mkdir(s.file("cache"), 0o700), os.Mkdir(s.file("home"), 0o700))
}

// freePort returns a port that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// await waits until a server listens.
func (s *site) await(ctx context.Context, host string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := s.ssh(ctx, host, "true").Run()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("sshd at %s does not let us in: %w", host, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// ssh is the system's client on its way to a host.
func (s *site) ssh(ctx context.Context, host string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ssh", s.sshArgs(host, args...)...)
}

func (s *site) sshArgs(host string, args ...string) []string {
	return append([]string{"-F", s.file("ssh_config"), host}, args...)
}

// startMaster has the system's client keep a connection open for others, unless it
// does. It ends with the server.
func (s *site) startMaster(ctx context.Context, host string) error {
	if s.ssh(ctx, host, "-O", "check").Run() == nil {
		return nil
	}
	if err := s.ssh(ctx, host, "-M", "-N", "-f").Run(); err != nil {
		return fmt.Errorf("start a master: %w", err)
	}
	return nil
}

// close ends the servers, and the connections that they serve with them.
func (s *site) close() {
	for _, server := range s.servers {
		server.Process.Kill()
		server.Wait()
	}
	os.RemoveAll(s.dir)
}
