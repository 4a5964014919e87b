package allow

import "testing"

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name, rules string
		what        Action
		path        string
		want        bool
	}{
		{"no rule", "", Write, "/etc/passwd", true},
		{"no rule: listen", "", Listen, "", true},
		{"the path", "fs:read=/etc", Read, "/etc", true},
		{"below", "fs:read=/etc", Read, "/etc/ssh/moduli", true},
		{"beside", "fs:read=/etc", Read, "/etcetera", false},
		{"above", "fs:read=/etc", Read, "/", false},
		{"reading is not writing", "fs:read=/etc", Write, "/etc/passwd", false},
		{"writing is not reading", "fs:write=/srv", Read, "/srv/x", false},
		{"everything", "fs:read=/", Read, "/a/b", true},
		{"root itself", "fs:read=/", Read, "/", true},
		{"not clean in the rule", "fs:read=/etc/./ssh/../x/", Read, "/etc/x/y", true},
		{"a program", "exec=/usr/bin/git", Exec, "/usr/bin/git", true},
		{"another program", "exec=/usr/bin/git", Exec, "/usr/bin/gitk", false},
		{"a folder of programs", "exec=/usr/bin", Exec, "/usr/bin/git", true},
		{"unnamed is denied", "net=dial", Exec, "/usr/bin/git", false},
		{"dial", "net=dial", Dial, "", true},
		{"dial is not listen", "net=dial", Listen, "", false},
		{"all", "net=all", Listen, "", true},
		{"none", "net=none", Dial, "", false},
		{"several", "fs:read=/a,fs:read=/b,net=listen", Read, "/b/c", true},
		{"comma", `fs:read=/a\,b,net=none`, Read, "/a,b", true},
		{"comma cuts", `fs:read=/a,net=none`, Read, "/a,net=none", false},
		{"both must", "fs:read=/a\nfs:read=/a/b", Read, "/a/c", false},
		{"both do", "fs:read=/a\nfs:read=/a/b", Read, "/a/b/c", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(tt.rules)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Check(tt.what, tt.path); (err == nil) != tt.want {
				t.Errorf("Check(%s, %q) = %v, want allowed: %v", tt.what, tt.path, err, tt.want)
			}
			if got := p.String(); got != tt.rules {
				t.Errorf("String() = %q, want %q", got, tt.rules)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, rules := range []string{
		"fs:read", "fs:read=", "fs:read=etc", "fs:red=/etc", "net", "net=yes", "exec=git", ",", "fs:read=/etc,", "\n", "FS:read=/etc",
	} {
		if p, err := Parse(rules); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", rules, p)
		}
	}
}

func TestAnd(t *testing.T) {
	read, _ := Parse("fs:read=/a")
	write, _ := Parse("fs:write=/a")
	both := read.And(write)
	if both.Check(Read, "/a") == nil || both.Check(Write, "/a") == nil {
		t.Error("something is allowed that one of the two does not allow")
	}
	if got := read.And(Policy{}); got.String() != "fs:read=/a" {
		t.Errorf("with one that allows all: got %q", got)
	}
}
