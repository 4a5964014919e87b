package luagw_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the transcripts of testdata/lua anew")

// behaviour is something that users of py.execnet rely on, and may here. The
// number is that of execnet's own tests, in their order; those above 163 are of
// its next version, and 0 is luagw's own. The numbers left out are execnet's
// alone: execmodels, Python's string coercion, and makefile's modes, of which
// luagw has none, and rsync, ssh and sockets, which are tested elsewhere.
type behaviour struct {
	number int
	name   string
	test   func(b *bed)
}

func (bh behaviour) String() string {
	return fmt.Sprintf("%03d_%s", bh.number, strings.ReplaceAll(bh.name, " ", "_"))
}

// TestConformance checks all behaviours over every transport: on one gateway,
// of which each must leave nothing behind.
func TestConformance(t *testing.T) {
	var all []behaviour
	for _, part := range [][]behaviour{channelBehaviours, gatewayBehaviours, groupBehaviours, valueBehaviours} {
		all = append(all, part...)
	}
	overTransports(t, func(t *testing.T, tr transport) {
		b := newBed(t, tr, "")
		for _, bh := range all {
			if !t.Run(bh.String(), func(t *testing.T) { bh.test(b.with(t)) }) {
				b = newBed(t, tr, "") // what failed may have left something
			}
		}
	})
}

// TestFragments runs every fragment that has a transcript beside it and
// compares.
func TestFragments(t *testing.T) {
	overTransports(t, func(t *testing.T, tr transport) {
		b := newBed(t, tr, "")
		for _, name := range fragmentNames(t) {
			t.Run(name, func(t *testing.T) {
				b := b.with(t)
				got := b.transcript(name)
				if *update {
					os.WriteFile("testdata/lua/"+name+".want", []byte(got), 0o644)
				}
				want, err := fs.ReadFile(testFragments, name+".want")
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("got:\n%swant:\n%s", got, want)
				}
			})
		}
	})
}
