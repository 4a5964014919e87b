package bootstrap

import (
	"slices"
	"strings"
	"testing"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/agents"
)

func TestMissing(t *testing.T) {
	const complete = "complete"
	for _, tt := range []struct{ line, want string }{
		// What is an agent as it is.
		{"luagw-agent", complete},
		{"docker exec -i web1 luagw-agent", complete},
		{"docker exec -i web1 luagw-agent -v", complete},
		{"kubectl exec -i pod -- luagw-agent", complete},
		{"kubectl exec -i pod -c main -- /agent", complete},
		{"ssh web1 luagw-agent", complete},
		{"sudo -n luagw-agent", complete},
		{"sudo -n -u bob luagw-agent", complete},
		{"env LANG=C luagw-agent", complete},
		{"chroot /srv/root /agent", complete},
		{"nsenter -t 1 -m /agent", complete},
		{"sh -c agent", complete},
		{"sh agent.sh", complete},
		{"some-wrapper web1", complete},

		// The last word is a shell.
		{"sh", "-c"},
		{"/bin/sh", "-c"},
		{"busybox sh", "-c"},
		{"docker exec -i web1 bash", "-c"},
		{"docker exec -i web1 busybox ash", "-c"},
		{"kubectl exec -i pod -- /bin/dash", "-c"},
		{"some-wrapper web1 zsh", "-c"},

		// The last word is --.
		{"kubectl exec -i pod --", "sh -c"},
		{"kubectl -n prod exec -i pod -c main --", "sh -c"},
		{"sudo -n --", "sh -c"},
		{"some-wrapper --", "sh -c"},

		// Containers, with nothing behind the name.
		{"docker exec -i web1", "sh -c"},
		{"docker -H tcp://h:1 exec -i -u root --env A=b -w /srv web1", "sh -c"},
		{"docker exec -iu root web1", "sh -c"},
		{"docker exec -iuroot web1", "sh -c"},
		{"docker exec --user=root -i web1", "sh -c"},
		{"docker container exec -i web1", "sh -c"},
		{"docker compose -f x.yml exec -T web", "sh -c"},
		{"docker-compose exec -T --index 2 web", "sh -c"},
		{"podman exec -i web1", "sh -c"},
		{"/usr/bin/podman exec -i web1", "sh -c"},
		{"nerdctl -n k8s.io exec -i web1", "sh -c"},
		{"lxc exec web1", "-- sh -c"},
		{"incus exec --user 1000 web1", "-- sh -c"},
		{"incus exec web1 --", "sh -c"},
		{"kubectl -n prod exec -i pod", "-- sh -c"},
		{"docker exec -i", complete}, // docker will tell what is missing
		{"docker run -i image", complete},
		{"docker ps", complete},
		{"docker", complete},

		// Programs that run others, with their flags alone.
		{"sudo", "sh -c"},
		{"sudo -n", "sh -c"},
		{"sudo -nu bob", "sh -c"},
		{"sudo -n -u bob LANG=C", "sh -c"},
		{"doas -n -u bob", "sh -c"},
		{"nsenter -t 1 -m -n", "sh -c"},
		{"nsenter --target 1 --mount", "sh -c"},
		{"chroot /srv/root", "sh -c"},
		{"chroot --userspec=bob /srv/root", "sh -c"},
		{"chroot", complete},
		{"env", "sh -c"},
		{"env -i -u X LANG=C", "sh -c"},

		// One within another.
		{"sudo -n docker exec -i web1", "sh -c"},
		{"sudo -n docker exec -i web1 agent", complete},
		{"docker exec -i web1 sudo -n -u bob", "sh -c"},
		{"sudo -n chroot /srv/root env LANG=C", "sh -c"},
		{"sudo -n bash", "-c"},

		// ssh takes a command line as it is.
		{"ssh web1", ""},
		{"ssh -p 22 -i key -T bob@web1", ""},
		{"ssh -p22 -- web1", ""},
		{"ssh", complete},
		{"ssh web1 sh", "-c"},
		{"ssh web1 docker exec -i c1", "sh -c"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			words := strings.Fields(tt.line)
			before := slices.Clone(words)
			tail, missing := Missing(words)
			got := strings.Join(tail, " ")
			if !missing {
				got = complete
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if !slices.Equal(words, before) {
				t.Errorf("the words were changed to %q", words)
			}
		})
	}
}

func TestExec(t *testing.T) {
	b := &Bootstrap{Agents: agents.Sources{}}
	line := commandLine(nil)
	for _, tt := range []struct {
		name, spec string
		want       []string
		bootstraps bool
	}{
		{"an agent", "exec=docker exec -i web1 agent", []string{"docker", "exec", "-i", "web1", "agent"}, false},
		{"nothing", "exec=docker exec -i web1", []string{"docker", "exec", "-i", "web1", "sh", "-c", line}, true},
		{"a shell", "exec=chroot /r bash", []string{"chroot", "/r", "bash", "-c", line}, true},
		{"yes", "exec=enter web1//bootstrap=yes", []string{"enter", "web1", "sh", "-c", line}, true},
		{"yes, to a shell", "exec=enter web1 ash//bootstrap=yes", []string{"enter", "web1", "ash", "-c", line}, true},
		{"no", "exec=docker exec -i web1 sh//bootstrap=no", []string{"docker", "exec", "-i", "web1", "sh"}, false},
		{"an agent there", "exec=docker exec -i web1//agent=/opt/agent -v", []string{"docker", "exec", "-i", "web1", "sh", "-c", "exec /opt/agent -v"}, true},
		{"ssh", "exec=ssh web1", []string{"ssh", "web1", line}, true},
		{"ssh to a shell", "exec=ssh web1 sh", []string{"ssh", "web1", "sh", "-c", quoteWord(line)}, true},
		{"ssh to a container", "exec=ssh web1 docker exec -i c1", []string{"ssh", "web1", "docker", "exec", "-i", "c1", "sh", "-c", quoteWord(line)}, true},
		{"ssh behind others", "exec=sudo -n ssh web1 sh", []string{"sudo", "-n", "ssh", "web1", "sh", "-c", quoteWord(line)}, true},
		{"ssh in a container", "exec=docker exec -i c1 ssh web1", []string{"docker", "exec", "-i", "c1", "ssh", "web1", line}, true},
		{"ssh by ssh", "exec=ssh web1 ssh web2", []string{"ssh", "web1", "ssh", "web2", quoteWord(line)}, true},
		{"ssh by ssh to a shell", "exec=ssh web1 ssh web2 sh", []string{"ssh", "web1", "ssh", "web2", "sh", "-c", quoteWord(quoteWord(line))}, true},
		{"ssh to dashes", "exec=ssh web1 --", []string{"ssh", "web1", "--", "sh", "-c", quoteWord(line)}, true},
		{"ssh to what is not known", "exec=ssh web1 enter//bootstrap=yes", []string{"ssh", "web1", "enter", "sh", "-c", quoteWord(line)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			words, bootstraps, err := b.Exec(mustParse(t, tt.spec))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(words, tt.want) || bootstraps != tt.bootstraps {
				t.Errorf("got %q, %v; want %q, %v", words, bootstraps, tt.want, tt.bootstraps)
			}
		})
	}
}

func mustParse(t *testing.T, text string) *luagw.Spec {
	t.Helper()
	spec, err := luagw.ParseSpec(text)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// A command that gives no input to what it runs is refused before it is run: an
// agent would end at once, and say nothing.
func TestExecWithoutInput(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"docker exec web1", "docker exec gives no input to what it runs; write docker exec -i"},
		{"docker container exec -u root web1 luagw-agent", "docker exec gives no input to what it runs; write docker exec -i"},
		{"sudo -n podman exec web1", "podman exec gives no input to what it runs; write podman exec -i"},
		{"/usr/bin/kubectl exec pod -- sh", "kubectl exec gives no input to what it runs; write kubectl exec -i"},
		{"docker exec -ti web1", ""},
		{"docker exec -iu root web1", ""},
		{"docker exec --interactive web1", ""},
		{"kubectl exec --stdin=true pod --", ""},
		{"kubectl exec pod -i --", ""},
		{"docker compose exec -T web", ""},
		{"docker exec web1//bootstrap=yes", ""},
		{"incus exec web1", ""},
	} {
		spec, err := luagw.ParseSpec("exec=" + tt.line)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = Complete(spec, "LINE")
		var got string
		if fault, ok := err.(*luagw.SpecError); ok {
			got = fault.Reason
		}
		if got != tt.want {
			t.Errorf("%s: got %v, want %q", tt.line, err, tt.want)
		}
	}
}
