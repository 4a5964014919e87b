package std

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	glua "github.com/yuin/gopher-lua"
)

// sandbox is a state with all modules and a fragment around it.
type sandbox struct {
	*glua.LState
	output lockedBuffer
	cancel context.CancelCauseFunc
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	box := &sandbox{LState: glua.NewState()}
	ctx, cancel := context.WithCancelCause(t.Context())
	fragment := NewFragment(ctx, &box.output)
	box.cancel = cancel
	box.SetContext(fragment.Context())
	SetGlobals(box.LState)
	for _, lib := range Libraries() {
		box.SetGlobal(lib.Name, lib.Open(box.LState))
	}
	t.Cleanup(func() {
		fragment.End()
		cancel(nil)
		box.Close()
	})
	return box
}

// eval runs source and returns what it returns, rendered and joined by a
// space; or "error: " and the message.
func (box *sandbox) eval(source string) string {
	top := box.GetTop()
	defer box.SetTop(top)
	if err := box.DoString(source); err != nil {
		apiErr := err.(*glua.ApiError)
		return "error: " + apiErr.Object.String()
	}
	var words []string
	for i := top + 1; i <= box.GetTop(); i++ {
		words = append(words, box.ToStringMeta(box.Get(i)).String())
	}
	return strings.Join(words, " ")
}

// evalTest is a chunk and what it gives. A want that ends in "..." is a prefix.
type evalTest struct {
	name, source, want string
}

func runEvalTests(t *testing.T, tests []evalTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := newSandbox(t).eval(tt.source)
			got = strings.TrimPrefix(got, "error: <string>:1: ")
			if prefix, cut := strings.CutSuffix(tt.want, "..."); cut && strings.HasPrefix(got, prefix) {
				return
			}
			if got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.source, got, tt.want)
			}
		})
	}
}
