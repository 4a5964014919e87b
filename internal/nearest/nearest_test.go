package nearest

import "testing"

func TestWord(t *testing.T) {
	known := []string{"nice", "dir", "env", "identity", "via"}
	for _, tt := range []struct{ word, want string }{
		{"nic", "nice"},
		{"NICE", "nice"},
		{"indentity", "identity"},
		{"idnetiyt", ""},
		{"dri", ""},
		{"dirs", "dir"},
		{"vi", "via"},
		{"x", ""},
		{"", ""},
		{"identityidentityidentityidentityidentityx", ""},
	} {
		if got := Word(tt.word, known); got != tt.want {
			t.Errorf("Word(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}
