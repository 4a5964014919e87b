//go:build unix

package realhosts_test

import (
	"strconv"
	"testing"
)

// manyForEach is how many gateways are opened to each host at once: as many as
// sshd takes for sure by default before they have logged in.
const manyForEach = 10

// TestMany opens many gateways at once to a few hosts which have no agent yet and
// sshd's default limits. All of them succeed.
func TestMany(t *testing.T) {
	b := newBed(t)
	b.build("amd64")
	var specs []string
	for _, web := range b.Web() {
		b.shell(web.Name, bare)
		for i := range manyForEach {
			specs = append(specs, b.spec(web.Name, "//id="+web.Name+"-"+strconv.Itoa(i)+"//timeout=1m").String())
		}
	}
	group, _ := b.group()
	if _, err := group.OpenAll(b.ctx, specs...); err != nil {
		t.Fatal(err)
	}
	channels, err := group.RemoteExec(b.ctx, "return host.hostname")
	if err != nil {
		t.Fatal(err)
	}
	results, err := channels.Results(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	answers := make(map[any]int)
	for _, result := range results {
		answers[result[0]]++
	}
	for _, web := range b.Web() {
		if answers[web.Name] != manyForEach {
			t.Errorf("%d gateways answer from %s, want %d", answers[web.Name], web.Name, manyForEach)
		}
	}
}
