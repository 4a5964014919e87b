package std

import (
	"os"
	"testing"
)

func TestPath(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("STD_TEST", "v")
	os.Unsetenv("STD_UNSET")
	runFS(t, []evalTest{
		{"join", `return path.join("a", "", "/b/", "../c"), path.join()`, "a/c "},
		{"base", `return path.base("/a/b.txt"), path.base("a/"), path.base("")`, "b.txt a ."},
		{"dir", `return path.dir("/a/b"), path.dir("a")`, "/a ."},
		{"ext", `return path.ext("a.tar.gz"), path.ext(".bashrc"), path.ext("a"), path.ext("d.x/a"), path.ext(".."), path.ext("a.")`, ".gz     ."},
		{"stem", `return path.stem("/x/a.tar.gz"), path.stem(".bashrc"), path.stem("a")`, "a.tar .bashrc a"},
		{"clean", `return path.clean("a//b/./../c/")`, "a/c"},
		{"abs", `return path.abs("/x/../y"), path.abs("q") == path.join(fs.cwd(), "q")`, "/y true"},
		{"rel", `return path.rel("/a/b", "/a/c/d"), path.rel("/a", "/a")`, "../c/d ."},
		{"rel impossible", `return path.rel("/a", "b")`, "nil Rel: can't make b relative to /a"},
		{"is_abs", `return path.is_abs("/a"), path.is_abs("a")`, "true false"},
		{"split", `return path.split("/a/b")`, "/a b"},
		{"expand home", `return path.expand("~/x"), path.expand("~"), path.expand("a~")`, "/home/me/x /home/me a~"},
		{"expand user", `return path.expand("~root/x")`, "/root/x"},
		{"expand unknown user", `return path.expand("~no-such-user/x")`, `nil expand "~no-such-user/x": no user "no-such-user"`},
		{"expand variable", `return path.expand("/a/$STD_TEST/${STD_TEST}b")`, "/a/v/vb"},
		{"expand unset", `return path.expand("$STD_UNSET/x")`, `nil expand "$STD_UNSET/x": variable "STD_UNSET" is not set`},
		{"match", `return path.match("*.conf", "a.conf"), path.match("*.conf", "d/a.conf"), path.match("/etc/*/x", "/etc/d/x"), path.match("/x", "x")`, "true false true false"},
		{"match any depth", `return path.match("/a/**/z", "/a/b/c/z"), path.match("/a/**/z", "/a/z"), path.match("**", "a/b"), path.match("**/a/**/b", "x/a/y/a/b"), path.match("a/**", "b/a")`, "true true true true false"},
		{"match malformed", `path.match("a[", "a")`, "...syntax error in pattern)"},
	})
}

// TestMatchParts has a pattern for which naive matching takes for ever.
func TestMatchParts(t *testing.T) {
	var wild, parts []string
	for range 200 {
		wild = append(wild, "**", "a")
		parts = append(parts, "a", "a")
	}
	if matchParts(append(wild, "b"), parts) {
		t.Error("matchParts: got true, want false")
	}
	if !matchParts(wild, parts) {
		t.Error("matchParts: got false, want true")
	}
}
