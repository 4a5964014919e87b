//go:build unix

package realhosts_test

import "testing"

// TestWay reaches hosts in all the ways there are: each time through the gateways
// that are opened before.
func TestWay(t *testing.T) {
	b := newBed(t)
	b.build("amd64")
	config := "//ssh_config=" + b.Config()
	inner, innermost := "ssh:inner"+config, "ssh:innermost"+config // of which the configuration says ProxyJump
	for _, test := range []struct {
		name     string
		specs    []string
		hostname string // of what the last one leads to
	}{
		{"system's ssh", []string{"ssh:web1//ssh_program=ssh" + config}, "web1"},
		{"system's ssh and jump hosts", []string{"ssh:innermost//ssh_program=ssh" + config}, "innermost"},
		{"command line", []string{"exec=ssh -F " + b.Config() + " web1"}, "web1"},
		{"no agent, docker", []string{"exec=docker exec -i " + b.Host(t, "web1").Container()}, "web1"},
		{"busybox, docker", []string{"exec=docker exec -i " + b.Host(t, "busybox").Container()}, "busybox"},
		{"via ssh", []string{"ssh:bastion//id=bastion" + config, inner + "//via=bastion"}, "inner"},
		{"via ssh twice", []string{"ssh:bastion//id=bastion" + config, inner + "//id=inner//via=bastion", innermost + "//via=inner"}, "innermost"},
		{"via docker", []string{"exec=docker exec -i " + b.Host(t, "bastion").Container() + "//id=bastion", inner + "//via=bastion"}, "inner"},
		{"via popen", []string{"ssh:web1//id=web" + config, "popen//via=web"}, "web1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			group, _ := b.group()
			defer group.Close()
			for i, spec := range test.specs {
				gw, err := group.Open(b.ctx, spec)
				if err != nil {
					t.Fatal(err)
				}
				if i < len(test.specs)-1 {
					continue
				}
				got, err := gw.Call(b.ctx, "return host.hostname")
				if err != nil || len(got) != 1 || got[0] != test.hostname {
					t.Errorf("hostname: got %v and %v, want %q", got, err, test.hostname)
				}
			}
		})
	}
}
