package luagw

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

func TestKeyTable(t *testing.T) {
	var table keyTable
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 5000 {
				want := fmt.Sprintf("field%d", i%700) // more than there are slots
				if got := table.string([]byte(want)); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
	all.Wait()
	for _, want := range []string{"", "\x00", strings.Repeat("x", longKey-1), strings.Repeat("y", longKey)} {
		if got := table.string([]byte(want)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	a, b := table.string([]byte("again")), table.string([]byte("again"))
	if unsafe.StringData(a) != unsafe.StringData(b) {
		t.Error("a key was made twice")
	}
}
