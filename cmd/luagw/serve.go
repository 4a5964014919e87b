package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/allow"
	"github.com/luagw/luagw/server"
	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

const serveHelp = `Serve accepts gateways: tcp:HOST[:PORT] and unix:PATH reach it. It speaks SSH on
its TCP socket, and offers nothing but agents: no shell, no files, no forwarding.
Each connection gets an agent, a process of its own.

Who may log in is said by --authorized-keys, a file as sshd's: a public key a
line, with these options before it:

  from="10.0.0.0/8,!10.0.0.1"    addresses and networks from which it may be used
  expiry-time="20270131"         until when
  luagw-user="deploy"            whom the agent runs as
  luagw-allow="fs:read=/etc"     what its fragments may do, see below
  cert-authority                 certificates that the key has signed, which name the user
  principals="web,db"            or, with cert-authority, one of these

A line with another option, but for those of sshd that take something away, is
refused. A server that is root starts agents as the user whom luagw-user names,
and lets no key in whose line names none; another one starts them as itself.
By --trusted-user-ca everybody may log in who has a certificate, as the user
whom it names, except root.

--allow narrows what fragments may do. Once there is a rule, what no rule allows
is refused: fs:read=PATH, fs:write=PATH, exec=PATH (each with all that is below
PATH), net=dial, net=listen, net=all, net=none. Several rules are separated by
commas.

On a Unix socket there are no keys: the kernel says who connects. A server that
is root gives everybody an agent that is theirs; another one lets in its own user
and root.

A host key is made when there is none yet. Standard output gets a line for each
socket when it accepts connections: the spec for luagw exec -t. SIGTERM, SIGHUP or
Ctrl-C ends it: gateways that are open have --stop-time to end. A second one ends it
at once.`

const serveExample = `  luagw serve                                       from this host, with keys of the file below
  luagw serve --listen :8888 --audit /var/log/luagw.audit
  luagw serve --unix /run/luagw.sock                no TCP
  luagw serve --allow fs:read=/var/log,net=none     agents that can read logs, and nothing else`

// serveFlags are the flags of serve.
type serveFlags struct {
	listen, unix   string
	hostKey        string
	authorizedKeys string
	trustedUserCA  string
	agent          string
	allow          []string
	audit          string
	maxConnections int
	stopTime       time.Duration
}

func newServeCommand() *cobra.Command {
	flags := &serveFlags{}
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Accept gateways: tcp and unix",
		Long:    serveHelp,
		Example: serveExample,
		Args:    noArguments,
		RunE:    flags.run,
	}
	f := cmd.Flags()
	f.StringVar(&flags.listen, "listen", "", "accept connections at `ADDR`, a host and port (default 127.0.0.1:8888, if there is no --unix)")
	f.StringVar(&flags.unix, "unix", "", "accept connections at the Unix socket `PATH`")
	f.StringVar(&flags.hostKey, "host-key", "", "`FILE` of the server's private key (default "+configFile("host_key")+")")
	f.StringVar(&flags.authorizedKeys, "authorized-keys", "", "`FILE` of keys that may log in (default "+defaultAuthorizedKeys()+")")
	f.StringVar(&flags.trustedUserCA, "trusted-user-ca", "", "`FILE` of keys whose certificates may log in")
	f.StringVar(&flags.agent, "agent", "", "start this `PROGRAM` as the agent (default luagw itself)")
	f.StringArrayVar(&flags.allow, "allow", nil, "narrow what fragments may do by `RULES`; may be repeated")
	f.StringVar(&flags.audit, "audit", "", "append a line of JSON to `FILE` for each connection and fragment")
	f.IntVar(&flags.maxConnections, "max-connections", server.DefaultMaxConnections, "have at most `N` gateways at a time")
	f.DurationVar(&flags.stopTime, "stop-time", server.DefaultStopTime, "when it is to end, give open gateways this long")
	return cmd
}

// configFile is where a file of luagw's lies: the system's for root.
func configFile(name string) string {
	if os.Geteuid() == 0 {
		return filepath.Join("/etc/luagw", name)
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return name
	}
	return filepath.Join(dir, "luagw", name)
}

// defaultAuthorizedKeys is sshd's file of this user: who may log in by that may
// do all that an agent may. For root there is another one, for its keys have to
// name users.
func defaultAuthorizedKeys() string {
	home, err := os.UserHomeDir()
	if os.Geteuid() == 0 || err != nil {
		return configFile("authorized_keys")
	}
	return filepath.Join(home, ".ssh", "authorized_keys")
}

// run is luagw serve.
func (flags *serveFlags) run(cmd *cobra.Command, _ []string) error {
	s, err := flags.server(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := checkAuthorizedKeys(s); err != nil {
		return err
	}
	if err := s.Audit.Check(); err != nil {
		return err
	}
	listeners, err := flags.sockets(s, cmd.OutOrStdout(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	notifySystem("READY=1")
	stop := context.AfterFunc(ctx, func() { notifySystem("STOPPING=1") })
	defer stop()
	return s.Serve(ctx, listeners...)
}

// server makes a server of the flags.
func (flags *serveFlags) server(stderr io.Writer) (*server.Server, error) {
	rules, err := flags.rules()
	if err != nil {
		return nil, usageError("serve: --allow: %w", err)
	}
	if flags.maxConnections < 1 {
		return nil, usageError("serve: --max-connections must be 1 or more, got %d", flags.maxConnections)
	}
	if flags.stopTime <= 0 {
		return nil, usageError("serve: --stop-time must be more than nothing, got %v", flags.stopTime)
	}
	s := &server.Server{
		AuthorizedKeys: flags.authorizedKeys, TrustedUserCA: flags.trustedUserCA, Allow: rules,
		MaxConnections: flags.maxConnections, StopTime: flags.stopTime,
		Log: log.New(stderr, "luagw: ", 0),
	}
	if flags.audit != "" {
		s.Audit = &server.Audit{Path: flags.audit}
	}
	if flags.agent != "" {
		s.Agent = []string{flags.agent}
	}
	if flags.unix == "" && flags.listen == "" {
		flags.listen = "127.0.0.1:8888"
	}
	if s.AuthorizedKeys == "" && flags.listen != "" {
		s.AuthorizedKeys = defaultAuthorizedKeys()
	}
	return s, nil
}

// rules are those of --allow. None is no rule that allows everything: whoever
// gives an empty one has lost it on the way.
func (flags *serveFlags) rules() (allow.Policy, error) {
	if slices.Contains(flags.allow, "") {
		return allow.Policy{}, errors.New("it is empty, and would allow everything")
	}
	return allow.Parse(strings.Join(flags.allow, ","))
}

// checkAuthorizedKeys refuses to start with files that cannot be trusted. A file
// that is not there yet may still come.
func checkAuthorizedKeys(s *server.Server) error {
	err := s.CheckFiles()
	if errors.Is(err, fs.ErrNotExist) {
		s.Log.Printf("no key can log in yet: %v", err)
		return nil
	}
	return err
}

// sockets opens what is to be listened on, and tells how to reach it.
func (flags *serveFlags) sockets(s *server.Server, stdout, stderr io.Writer) (listeners []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
		}
	}()
	var specs []string
	if flags.listen != "" {
		l, err := flags.listenTCP(s)
		if err != nil {
			return listeners, err
		}
		listeners = append(listeners, l)
		specs = append(specs, tellHostKey(stderr, l.Addr(), s.HostKeys[0].PublicKey()))
	}
	if flags.unix != "" {
		l, err := server.ListenUnix(flags.unix)
		if err != nil {
			return listeners, err
		}
		listeners = append(listeners, l)
		specs = append(specs, (&luagw.Spec{Kind: "unix", Target: flags.unix}).String())
	}
	for _, spec := range specs {
		if _, err := fmt.Fprintln(stdout, spec); err != nil {
			return listeners, err
		}
	}
	return listeners, nil
}

func (flags *serveFlags) listenTCP(s *server.Server) (net.Listener, error) {
	path := flags.hostKey
	if path == "" {
		path = configFile("host_key")
	}
	key, made, err := server.HostKey(path)
	if err != nil {
		return nil, err
	}
	if made {
		s.Log.Printf("made a host key: %s", path)
	}
	s.HostKeys = []ssh.Signer{key}
	return net.Listen("tcp", flags.listen)
}

// tellHostKey tells by what the server can be known, and returns the spec.
func tellHostKey(stderr io.Writer, addr net.Addr, key ssh.PublicKey) string {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	print := ssh.FingerprintSHA256(key)
	fmt.Fprintf(stderr, "luagw: listening on %v; host key %s\n", addr, print)
	fmt.Fprintf(stderr, "luagw: for known_hosts: %s %s", knownhosts.Normalize(net.JoinHostPort(host, port)), ssh.MarshalAuthorizedKey(key))
	return (&luagw.Spec{Kind: "tcp", Target: host, Dir: luagw.DefaultDir, Params: map[string]string{"port": port, "hostkey": print}}).String()
}
