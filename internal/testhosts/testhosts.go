//go:build unix

// Package testhosts finds the hosts that make hosts has started, for tests: what
// each is stands in testdata/hosts. [Running] is where a test begins.
//
// Hosts are shared by all tests, which run at the same time: they may be logged in
// to, and must go on as they are. A test that changes a host, be it by filling its
// disk, has it by [Hosts.Alone]; one that breaks a host uses [Hosts.Frail].
package testhosts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Hosts are those that run. Its methods may be called concurrently.
type Hosts struct {
	dir   string            // .hosts
	hosts map[string]Host   // by name
	names []string          // in their order
	left  map[string]string // why a host is not there, by its name
}

// Host is something that can be logged in to, with the keys in [Hosts.Dir] and
// the settings in [Hosts.Config].
type Host struct {
	Name    string // Host in ssh_config
	Machine string // the container, less its prefix; "-" if none
	User    string
	Addr    string // HostName in ssh_config: an address, or a name

	prefix string // of the container's name
}

// errNone is why there are no hosts, for most.
var errNone = errors.New("no test hosts: make hosts starts them")

// Running returns the hosts that run. Where there are none the test is skipped,
// or fails if LUAGW_HOSTS is "required". It is skipped in short runs.
func Running(tb testing.TB) *Hosts {
	tb.Helper()
	if testing.Short() {
		tb.Skip("short: the test hosts are for the full run")
	}
	h, err := Find()
	if err == nil {
		return h
	}
	if os.Getenv("LUAGW_HOSTS") == "required" {
		tb.Fatal(err)
	}
	tb.Skip(err)
	return nil
}

// Find returns the hosts that run, or why there are none.
var Find = sync.OnceValues(find)

func find() (*Hosts, error) {
	dir, err := findDir()
	if err != nil {
		return nil, err
	}
	h := &Hosts{dir: dir, hosts: make(map[string]Host), left: make(map[string]string)}
	if err := h.read(); err != nil {
		return nil, err
	}
	// They do not outlive a boot of the machine they run on.
	if out, err := docker("inspect", "-f", "{{.State.Running}}", h.hosts["web1"].Container()); err != nil {
		return nil, err
	} else if out != "true" {
		return nil, errors.New("the test hosts have been stopped: make hosts starts them")
	}
	return h, nil
}

// findDir finds .hosts beside go.mod.
func findDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".hosts"), nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errNone
		}
		dir = up
	}
}

func (h *Hosts) read() error {
	list, err := os.ReadFile(filepath.Join(h.dir, "hosts"))
	if errors.Is(err, fs.ErrNotExist) {
		return errNone
	}
	if err != nil {
		return err
	}
	prefix, err := os.ReadFile(filepath.Join(h.dir, "prefix"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(list)) {
		host, err := parseHost(line)
		if err != nil {
			return err
		}
		host.prefix = strings.TrimSpace(string(prefix))
		h.hosts[host.Name] = host
		h.names = append(h.names, host.Name)
	}
	left, err := os.ReadFile(filepath.Join(h.dir, "left"))
	for line := range strings.Lines(string(left)) {
		name, why, _ := strings.Cut(strings.TrimSpace(line), " ")
		h.left[name] = why
	}
	return err
}

// parseHost reads a line as "web1 web1 root HostName=10.213.1.101".
func parseHost(line string) (Host, error) {
	words := strings.Fields(line)
	if len(words) < 4 {
		return Host{}, fmt.Errorf("list of test hosts: %q is not a host", line)
	}
	host := Host{Name: words[0], Machine: words[1], User: words[2]}
	for _, word := range words[3:] {
		if addr, ok := strings.CutPrefix(word, "HostName="); ok {
			host.Addr = addr
		}
	}
	return host, nil
}

// Dir is where what clients need lies: ssh_config, known_hosts, and the keys
// id_ed25519, which most hosts accept, id_encrypted, whose passphrase is "secret",
// and id_certified with its certificate.
func (h *Hosts) Dir() string { return h.dir }

// Config is the path of an ssh_config that knows all hosts.
func (h *Hosts) Config() string { return filepath.Join(h.dir, "ssh_config") }

// Host returns a host by its name. If it cannot be had on this machine the test
// is skipped with the reason.
func (h *Hosts) Host(tb testing.TB, name string) Host {
	tb.Helper()
	if why, ok := h.left[name]; ok {
		tb.Skipf("test host %s: %s", name, why)
	}
	host, ok := h.hosts[name]
	if !ok {
		tb.Fatalf("there is no test host %q; testdata/hosts/hosts lists them, and make hosts makes them", name)
	}
	return host
}

// Web returns web1 to webN, which are all alike.
func (h *Hosts) Web() []Host {
	var web []Host
	for _, name := range h.names {
		if host := h.hosts[name]; host.Machine == name && strings.HasPrefix(name, "web") {
			web = append(web, host)
		}
	}
	return web
}

// SSH is the system's ssh, which runs command on the named host. It asks nothing.
func (h *Hosts) SSH(ctx context.Context, name, command string) *exec.Cmd {
	return exec.CommandContext(ctx, "ssh", "-F", h.Config(), "-o", "BatchMode=yes", name, command)
}

// Container is the name of the container that the host runs in.
func (h Host) Container() string { return h.prefix + h.Machine }
