package std

import (
	"runtime"
	"strings"
	"testing"

	glua "github.com/yuin/gopher-lua"
)

// newFSBox is a sandbox with a directory, whose path is in the global dir.
func newFSBox(t *testing.T) *sandbox {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a Unix system")
	}
	box := newSandbox(t)
	box.SetGlobal("dir", glua.LString(t.TempDir()))
	return box
}

// runFS runs each test in a box of its own, and all at the same time: some wait
// for processes.
func runFS(t *testing.T, tests []evalTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			newFSBox(t).expect(t, tt.source, tt.want)
		})
	}
}

// expect runs source and compares what it gives. In want a leading or a
// trailing "..." stands for anything.
func (box *sandbox) expect(t *testing.T, source, want string) {
	t.Helper()
	got := box.eval(source)
	middle, anyEnd := strings.CutSuffix(want, "...")
	middle, anyStart := strings.CutPrefix(middle, "...")
	var ok bool
	switch {
	case anyStart && anyEnd:
		ok = strings.Contains(got, middle)
	case anyStart:
		ok = strings.HasSuffix(got, middle)
	case anyEnd:
		ok = strings.HasPrefix(got, middle)
	default:
		ok = got == want
	}
	if !ok {
		t.Errorf("%s\n got %s\nwant %s", source, got, want)
	}
}
