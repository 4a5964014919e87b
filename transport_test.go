package luagw_test

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/gateways/agents"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
	"github.com/luagw/luagw/lua"
	"github.com/luagw/luagw/server"
)

// transport is a way to reach an agent that every behaviour is tested over.
type transport struct {
	name    string
	spec    string
	dial    luagw.DialFunc
	process bool // the agent has a process of its own
}

// localTransports reach agents without a server.
func localTransports() []transport {
	return []transport{
		{"inprocess", "popen", luagw.InProcess(&lua.Runtime{}), false},
		{"popen", "popen", gateways.Dial, true},
		{"exec", "exec=env LUAGW_SERVE=stdio '" + thisProgram() + "'", gateways.Dial, true},
	}
}

// thisProgram is the path of the test binary, which is an agent.
func thisProgram() string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return self
}

// servers make the transports which need something to be started first.
var servers = []struct {
	name  string
	start func(t *testing.T) transport
}{
	{"via", viaTransport},
	{"ssh", sshTransport},
	{"sshd", sshdTransport},
	{"tcp", func(t *testing.T) transport { return servedTransport(t, "tcp") }},
	{"unix", func(t *testing.T) transport { return servedTransport(t, "unix") }},
	{"bootstrap", bootstrapTransport},
}

// overTransports runs a test over every transport.
func overTransports(t *testing.T, test func(t *testing.T, tr transport)) {
	for _, tr := range localTransports() {
		t.Run(tr.name, func(t *testing.T) { test(t, tr) })
	}
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			tr := server.start(t)
			tr.name, tr.process = server.name, true
			test(t, tr)
		})
	}
}

// viaTransport has another gateway's agent start the agents.
func viaTransport(t *testing.T) transport {
	group := &luagw.Group{Dial: gateways.Dial}
	t.Cleanup(func() { group.Close() })
	hop, err := group.Open(bounded(t), "popen//id=carrier")
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
		if spec.Through() != nil {
			return gateways.Dial(ctx, spec)
		}
		return hop.Dial(ctx, spec)
	}
	return transport{spec: "popen", dial: dial}
}

// serving is the command line, in a directory of the test's, of this program as
// the agent.
func serving(t *testing.T) []string {
	script := "cd '" + t.TempDir() + "' && exec env LUAGW_SERVE=stdio '" + thisProgram() + "'"
	return []string{"sh", "-c", script}
}

func needsShell(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("windows: the server of this test starts agents by sh")
	}
}

func sshTransport(t *testing.T) transport {
	needsShell(t)
	return siteTransport(t, sshtest.Start(t, sshtest.Options{}).Site)
}

// sshdTransport goes by OpenSSH's sshd.
func sshdTransport(t *testing.T) transport {
	if testing.Short() {
		t.Skip("short: each gateway takes a login at a real sshd")
	}
	return siteTransport(t, sshtest.StartSshd(t, "SetEnv GORACE="+os.Getenv("GORACE")).Site)
}

func siteTransport(t *testing.T, site *sshtest.Site) transport {
	dialer := &gateways.Dialer{SSH: &ssh.Dialer{Notice: func(text string) { t.Log(text) }}}
	agent := serving(t)
	return transport{spec: site.Spec(`agent=sh -c "` + agent[2] + `"`), dial: dialer.Dial}
}

// servedTransport is what luagw serve runs, with a key that may log in.
func servedTransport(t *testing.T, network string) transport {
	needsShell(t)
	dir := t.TempDir()
	key := sshtest.NewKey(t)
	s := &server.Server{Agent: serving(t), AuthorizedKeys: filepath.Join(dir, "authorized_keys")}
	host, _, err := server.HostKey(filepath.Join(dir, "host_key"))
	if err != nil {
		t.Fatal(err)
	}
	s.HostKeys = []gossh.Signer{host}
	writeFile(t, s.AuthorizedKeys, `luagw-user="`+ownName(t)+`" `+string(gossh.MarshalAuthorizedKey(sshtest.Signer(key).PublicKey())))
	if network == "unix" {
		listener, err := server.ListenUnix(filepath.Join(dir, "s"))
		if err != nil {
			t.Fatal(err)
		}
		serveUntilEnd(t, s, listener)
		return transport{spec: "unix:" + listener.Addr().String(), dial: gateways.Dial}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveUntilEnd(t, s, listener)
	known := filepath.Join(dir, "known_hosts")
	address := listener.Addr().String()
	name := "[127.0.0.1]" + strings.TrimPrefix(address, "127.0.0.1")
	writeFile(t, known, name+" "+string(gossh.MarshalAuthorizedKey(host.PublicKey())))
	identity := filepath.Join(dir, "id")
	block, err := gossh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, identity, string(pem.EncodeToMemory(block)))
	return transport{spec: "tcp:" + address + "//known_hosts=" + known + "//identity=" + identity, dial: gateways.Dial}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func ownName(t *testing.T) string {
	t.Helper()
	own, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return own.Username
}

// serveUntilEnd runs a server until the end of the test.
func serveUntilEnd(t *testing.T, s *server.Server, listener net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }() // ends with ctx
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// bootstrapTransport sends the agent that is shipped to a shell, with a home of
// its own, as to a host where there is none.
func bootstrapTransport(t *testing.T) transport {
	needsShell(t)
	if testing.Short() {
		t.Skip("short: builds the agent")
	}
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "make", "-s", "agent", "BIN="+dir)
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("the agent cannot be built by make: %v\n%s", err, out)
	}
	dialer := &gateways.Dialer{Agents: &agents.Beside{Dir: dir}}
	home := t.TempDir()
	return transport{spec: "exec=env -u XDG_CACHE_HOME HOME=" + home + " sh", dial: dialer.Dial}
}
