//go:build unix

package allow

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCheckPath(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in, out := filepath.Join(top, "in"), filepath.Join(top, "out")
	for _, dir := range []string{in, out, filepath.Join(in, "sub"), filepath.Join(out, "deep")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"in/away": out, "in/up": "../out", "in/deep": "../out/deep", "in/loop": "loop", "in/self": "sub",
		"in/dangling": "../out/nothing", "out/back": "../in",
	} {
		if err := os.Symlink(target, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Parse("fs:read=" + in + ",fs:write=" + in)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(in)
	for _, tt := range []struct {
		path string
		link bool
		want bool
	}{
		{in, false, true},
		{in + "/file", false, true},
		{in + "/sub/../file", false, true},
		{in + "//sub/./x", false, true},
		{in + "/../out", false, false},
		{in + "/../out/back/x", false, true},
		{in + "/away", false, false},
		{in + "/away", true, true}, // the link itself
		{in + "/away/", true, false},
		{in + "/away/x", true, false},
		{in + "/up/x", false, false},
		{in + "/deep/../x", false, false}, // out/x, not in/x
		{in + "/self/../x", false, true},
		{in + "/loop", false, false},
		{in + "/dangling", false, false},
		{in + "/nothing/../../out", false, false},
		{"file", false, true},
		{"..", false, false},
		{"../out/x", false, false},
		{"away/x", false, false},
		{"/proc/self/cwd/x", false, true},
		{"/proc/self/root" + out, false, false},
		{"", false, false},
		{out, false, false},
		{top, false, false},
		{"/", false, false},
		{"/..", false, false},
	} {
		for _, what := range []Action{Read, Write} {
			if err := p.CheckPath(what, tt.path, tt.link); (err == nil) != tt.want {
				if _, statErr := os.Stat("/proc/self/cwd"); statErr != nil && len(tt.path) > 5 && tt.path[:5] == "/proc" {
					continue // there is no /proc here
				}
				t.Errorf("%s of %q (link %v): got %v, want allowed: %v", what, tt.path, tt.link, err, tt.want)
			}
		}
	}
}

// TestParentsAreChecked makes what is not there yet on the way.
func TestParentsAreChecked(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse("fs:write=" + top + "/a/b")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckPath(Write, top+"/a/b/c", false); err == nil {
		t.Error("a is not there and would be made, and is allowed")
	}
	if err := os.Mkdir(top+"/a", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := p.CheckPath(Write, top+"/a/b/c", false); err != nil {
		t.Error(err)
	}
}
