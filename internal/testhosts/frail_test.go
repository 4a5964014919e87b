//go:build unix

package testhosts

import (
	"strings"
	"testing"
)

func TestFrail(t *testing.T) {
	f := Running(t).Frail(t)
	for _, test := range []struct {
		name        string
		harm, amend func()
	}{
		{"pause", f.Pause, f.Unpause},
		{"part", f.Part, f.Join},
		{"stop", f.Stop, f.Start},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !within(frailTime, f.answers) {
				t.Fatal("no answer before any harm")
			}
			test.harm()
			if f.answers() {
				t.Errorf("the host answers after %s", test.name)
			}
			test.amend()
			if !within(frailTime, f.answers) {
				t.Errorf("the host does not answer again after %s", test.name)
			}
		})
	}
}

func TestFrailInside(t *testing.T) {
	f := Running(t).Frail(t)
	if got := f.Inside("hostname; id -un"); strings.Fields(got)[0] != "frail" || strings.Fields(got)[1] != "root" {
		t.Errorf("hostname and user: got %q", got)
	}
}
