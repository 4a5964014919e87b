//go:build unix

package realhosts_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/gateways/agents"
	"github.com/luagw/luagw/gateways/ssh"
)

// agentless has nothing to send, so that what opens has found an agent there.
type agentless struct{}

func (agentless) Agents() ([]*agents.Agent, error) { return nil, errors.New("nothing is to be sent") }

// openInstalled opens one spec after the other in a group that sends no agents.
func (b *bed) openInstalled(specs ...string) (gw *luagw.Gateway, err error) {
	b.tb.Helper()
	dialer := &gateways.Dialer{SSH: b.dialer(""), Agents: agentless{}}
	group := &luagw.Group{Dial: dialer.Dial}
	b.tb.Cleanup(func() { group.Close() })
	for _, spec := range specs {
		if gw, err = group.Open(b.ctx, spec); err != nil {
			return nil, err
		}
	}
	return gw, nil
}

// install puts the agent for a processor on a host, under a path that stands well
// between double quotes of sh, and nothing else of luagw. It returns what removes it.
func (b *bed) install(host, arch, path string) (remove func()) {
	b.tb.Helper()
	b.feed(host, bare+`; f="`+path+`"; rm -f "$f"; mkdir -p "${f%/*}" && cat >"$f" && chmod 755 "$f"`, b.image(arch))
	return func() { b.shell(host, `f="`+path+`"; rm "$f"; rmdir "${f%/*}" 2>/dev/null; true`) }
}

// feed runs a script of sh, without single quotes in it, on a host, and gives it
// something to read.
func (b *bed) feed(host, script string, from io.Reader) {
	b.tb.Helper()
	client, err := b.dialer("").Connect(b.ctx, b.spec(host))
	if err != nil {
		b.tb.Fatal(err)
	}
	defer client.Close()
	conn, err := client.Run(b.ctx, "exec sh -c '"+script+"'", ssh.RunOptions{})
	if err != nil {
		b.tb.Fatal(err)
	}
	defer conn.Close()
	_, err = io.Copy(conn, from)
	err = errors.Join(err, conn.(interface{ CloseWrite() error }).CloseWrite())
	out, readErr := io.ReadAll(conn)
	if exit := conn.(luagw.Exiter).Exit(b.ctx); exit.Code != 0 || errors.Join(err, readErr) != nil {
		b.tb.Fatalf("script on %s: %v, exit status %d: %s%s", host, errors.Join(err, readErr), exit.Code, out, exit.Stderr)
	}
}

// image is the agent for a processor.
func (b *bed) image(arch string) io.Reader {
	b.tb.Helper()
	all, err := source.Agents()
	if err != nil {
		b.tb.Skipf("no agent can be built: %v", err)
	}
	for _, agent := range all {
		if agent.OS != "linux" || agent.Arch != arch {
			continue
		}
		image, err := agent.Load(b.ctx)
		if err != nil {
			b.tb.Fatal(err)
		}
		plain, err := image.Open()
		if err != nil {
			b.tb.Fatal(err)
		}
		return plain
	}
	b.tb.Fatalf("there is no agent for linux/%s", arch)
	return nil
}

// TestInstalled opens gateways to hosts of all sorts on which an agent is installed,
// under a name of which a shell would make more words.
func TestInstalled(t *testing.T) {
	for _, test := range []struct{ host, arch, home string }{
		{"web2", "amd64", "/root"},
		{"ann", "amd64", "/home/ann"},
		{"dash", "amd64", "/home/dash"},
		{"csh", "amd64", "/home/csh"},
		{"fish", "amd64", "/home/fish"},
		{"zsh", "amd64", "/home/zsh"},
		{"noisy", "amd64", "/home/noisy"},
		{"unterminated", "amd64", "/home/unterminated"},
		{"dropbear", "amd64", "/root"},
		{"busybox", "amd64", "/root"},
		{"arm64", "arm64", "/home/arm64"},
		{"i386", "386", "/home/i386"},
		{"innermost", "amd64", "/root"},
	} {
		t.Run(test.host, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.Alone(t, test.host)
			defer b.install(test.host, test.arch, test.home+`/my agents & \$HOME: *;/luagw-agent`)()
			agent := test.home + "/my agents & $HOME: *;/luagw-agent"
			for _, spec := range []struct {
				where, dir string
				greeting   any // in its environment
			}{
				{":'" + agent + "'", test.home + "/luagw-cache", nil},
				{":'" + agent + "':/var/tmp", "/var/tmp", nil},
				{":'" + agent + "'//dir=/", "/", nil},
				{"//agent='" + agent + "'//dir=", test.home, nil},
				{`:env "GREETING=it's!" '` + agent + `':~/luagw-cache`, test.home + "/luagw-cache", "it's!"},
			} {
				b.wantRuns(agent, spec.dir, spec.greeting, "ssh:"+test.host+spec.where+"//ssh_config="+b.Config())
			}
			if out := b.shell(test.host, kept); out != "" {
				t.Errorf("an agent was kept on the host: %s", out)
			}
		})
	}
}

// kept lists the agents that were sent.
const kept = "find ~/.cache/luagw /var/tmp/luagw-* /dev/shm/luagw-* /tmp/luagw-* -type f 2>/dev/null; true"

// TestInstalledWays reaches an agent that is installed in all the ways there are.
func TestInstalledWays(t *testing.T) {
	b := newBed(t)
	host := b.Alone(t, "web2")
	const agent = "/usr/local/bin/luagw-agent"
	defer b.install("web2", "amd64", agent)()
	config := "//ssh_config=" + b.Config()
	docker := "exec=docker exec -i "
	for _, test := range []struct {
		name, dir string
		specs     []string
	}{
		{"on the path", "/root/luagw-cache", []string{"ssh:web2:luagw-agent" + config}},
		{"system's ssh", "/root/luagw-cache", []string{"ssh:web2:luagw-agent//ssh_program=ssh" + config}},
		{"command line of ssh", "/root", []string{"exec=ssh -F " + b.Config() + " web2 luagw-agent"}},
		{"command line of ssh, directory", "/srv", []string{"exec=ssh -F " + b.Config() + " web2 luagw-agent//dir=/srv"}},
		{"command line of ssh, quoted for its shell", "/root", []string{"exec=ssh -F " + b.Config() + ` web2 "exec 'luagw-agent'"`}},
		{"docker", "/", []string{docker + host.Container() + " luagw-agent"}},
		{"docker, in a directory", "/srv", []string{docker + "-w /srv " + host.Container() + " luagw-agent"}},
		{"docker, told not to send", "/", []string{docker + host.Container() + " " + agent + "//bootstrap=no"}},
		{"docker and a shell", "/tmp", []string{docker + host.Container() + ` sh -c 'cd /tmp && exec "$0"' luagw-agent`}},
		{"docker, through ssh", "/", []string{"ssh:web2:luagw-agent//id=a" + config, "popen:luagw-agent:///via=a"}},
		{"popen", "/srv", []string{"ssh:web2:luagw-agent//id=a" + config, "popen:luagw-agent:/srv//via=a"}},
		{"ssh through ssh", "/srv", []string{"ssh:web2:luagw-agent//id=a" + config, "ssh:root@" + host.Addr + ":luagw-agent:/srv//via=a" + config}},
		{"become", "/srv", []string{"ssh:web2:luagw-agent:/srv//become=ann" + config}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &bed{Hosts: b.Hosts, tb: t, ctx: b.ctx}
			b.wantRuns(agent, test.dir, nil, test.specs...)
		})
	}
}

// wantRuns opens one spec after the other in a group that sends no agents, and
// checks what runs behind the last, in which directory and with which GREETING.
func (b *bed) wantRuns(agent, dir string, greeting any, specs ...string) {
	b.tb.Helper()
	gw, err := b.openInstalled(specs...)
	if err != nil {
		b.tb.Error(err)
		return
	}
	defer gw.Close()
	got, err := gw.Call(b.ctx, `return fs.readlink("/proc/self/exe"), fs.readlink("/proc/self/cwd"), os.getenv("GREETING")`)
	if want := []any{agent, dir, greeting}; err != nil || !slices.Equal(got, want) {
		b.tb.Errorf("%s: agent, directory and greeting: got %q and %v, want %q", specs, got, err, want)
	}
}

// TestNotInstalled has the sentences for what is no agent.
func TestNotInstalled(t *testing.T) {
	b := newBed(t)
	host := b.Alone(t, "web2")
	const agent = "/usr/local/bin/luagw-agent"
	defer b.install("web2", "arm64", agent)()
	config := "//ssh_config=" + b.Config()
	docker := "exec=docker exec -i " + host.Container()
	const ended = "the far side ended without a hello: it is no agent"
	for _, test := range []struct{ name, spec, want string }{
		{"missing", "ssh:web1:/none/agent", ended + " (exit status 127): bash: line 1: /none/agent: No such file or directory"},
		{"missing, csh", "ssh:csh:/none/agent", ended + " (exit status 1): /none/agent: Command not found."},
		{"missing, fish", "ssh:fish:/none/agent", ended + " (exit status 127): fish: Unknown command: /none/agent"},
		{"missing, busybox", "ssh:busybox:/none/agent", ended + " (exit status 127): sh: exec: line 0: /none/agent: not found"},
		{"not on the path", "ssh:web1:luagw-agent", ended + " (exit status 127): bash: line 1: exec: luagw-agent: not found"},
		{"not on the path, system's ssh", "ssh:web1:luagw-agent//ssh_program=ssh", ended + " (exit status 127): bash: line 1: exec: luagw-agent: not found"},
		{"not executable", "ssh:web1:/etc/passwd", ended + " (exit status 126): bash: line 1: /etc/passwd: Permission denied"},
		{"for another processor", "ssh:web2:luagw-agent", ended + " (exit status 126): bash: line 1: " + agent + ": cannot execute binary file: Exec format error"},
		{"a login that exits", "ssh:exits:luagw-agent", ended + " (exit status 3): closed for maintenance until six"},
		{"ends", "ssh:web1:true", ended},
		{"talks of something else", "ssh:web1:uname", ended + ": Linux"},
		{"echoes", "ssh:web1:cat//timeout=2s", "no hello from the agent in time: nothing came for 2s: "},
		{"is silent", "ssh:web1:sleep 100//timeout=2s", "no hello from the agent in time: nothing came for 2s"},
		{"command line of ssh", "exec=ssh -F " + b.Config() + " web1 luagw-agent", ended + " (exit status 127): bash: line 1: luagw-agent: command not found"},
		{"docker, missing", docker + " /none/agent", ended + " (exit status 12"}, // 6 or 7, by docker's version
		{"docker, for another processor", docker + " luagw-agent", ended + " (exit status "},
		{"docker, a shell", docker + " sh -c true", ended},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &bed{Hosts: b.Hosts, tb: t, ctx: b.ctx}
			spec := test.spec
			if !strings.HasPrefix(spec, "exec=") {
				spec += config
			}
			_, err := b.openInstalled(spec)
			_, got, _ := strings.Cut(b.sentence(err), "\": hello: ")
			if stage(err) != luagw.StageHello || !strings.HasPrefix(got, test.want) {
				t.Errorf("got stage %q and\n%s\nwant stage hello and\n%s", stage(err), b.sentence(err), test.want)
			}
		})
	}
}
