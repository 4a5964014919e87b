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

// TestKeysOfARecordKeepTheirSlots has a record's keys, as programs name them, not
// push one another out, but for few.
func TestKeysOfARecordKeepTheirSlots(t *testing.T) {
	for _, names := range [][]string{
		{"string1", "string2", "string3", "string4", "string5", "string6", "string7", "string8", "string9", "string10",
			"number1", "number2", "number3", "number4", "number5", "number6", "number7", "number8", "number9", "number10"},
		{"name", "path", "size", "mode", "owner", "group", "mtime", "type", "target", "uid", "gid", "ino", "nlink", "dev", "id", "x", "y"},
		{"created_at", "updated_at", "deleted_at", "created_by", "updated_by", "deleted_by", "hostname", "host_name", "address"},
	} {
		slots := map[uint64]bool{}
		for _, name := range names {
			slots[keySlot([]byte(name))] = true
		}
		if lost := len(names) - len(slots); lost > 2 {
			t.Errorf("%d of %d keys share a slot: %v", lost, len(names), names)
		}
	}
}
