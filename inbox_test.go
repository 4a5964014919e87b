package luagw

import (
	"io"
	"testing"
)

// An item larger than the window arrives in pieces, for which credit must come
// as long as nothing else waits.
func TestLargeItemGetsCreditWhileLittleWaits(t *testing.T) {
	var in inbox
	in.init(func() {})
	const window, item = 256 << 10, 8 << 20
	credit, arrived := window, 0
	for arrived < item-1 {
		if credit == 0 {
			t.Fatalf("the sender is stuck after %d bytes", arrived)
		}
		n := min(credit, 64<<10, item-1-arrived)
		credit += in.addPart(n) - n
		arrived += n
	}
	in.push(make([]byte, item), arrived)
	if in.partial != 0 || in.unread() != item {
		t.Errorf("partial %d, unread %d; want 0 and %d", in.partial, in.unread(), item)
	}
}

// What was given for parts of an item is not given again when it is received.
func TestInboxGivesCreditOnce(t *testing.T) {
	var in inbox
	in.init(func() {})
	given, arrived := 0, 0
	for range 100 {
		frame := frameOf(t, kindItem, string(make([]byte, 300<<10)))
		part := 200 << 10
		given += in.addPart(part)
		credit, _ := in.push(frame, part)
		given += credit
		arrived += len(frame)
		if len(in.chunks) < 3 {
			continue
		}
		_, credit, err := in.pop()
		if err != nil {
			t.Fatal(err)
		}
		given += credit
	}
	for in.unread() > 0 {
		_, credit, _ := in.pop()
		given += credit
	}
	if given > arrived || given < arrived-creditStep {
		t.Errorf("credit for %d bytes, of which %d arrived", given, arrived)
	}
}

// A sender must not be stuck because its item waits behind others.
func TestRestOfAnItemComesOnceTheInboxIsEmpty(t *testing.T) {
	var in inbox
	in.init(func() {})
	full := frameOf(t, kindItem, string(make([]byte, inboxSize)))
	given, _ := in.push(full, 0)
	given += in.addPart(100 << 10)
	if given != 0 {
		t.Fatalf("credit for %d bytes while the inbox is full", given)
	}
	_, credit, _ := in.pop()
	if want := len(full) + 100<<10; credit != want {
		t.Errorf("credit for %d bytes, want %d", credit, want)
	}
}

func TestClosedInboxGivesCredit(t *testing.T) {
	var in inbox
	in.init(func() {})
	frame := frameOf(t, kindItem, string(make([]byte, 100<<10)))
	in.push(frame, 0)
	dropped, credit := in.close(io.EOF)
	if len(dropped) != 1 || credit != len(frame) {
		t.Errorf("close = %d runs, credit %d; want 1 and %d", len(dropped), credit, len(frame))
	}
	if credit, taken := in.push(frame, 0); credit != len(frame) || taken {
		t.Errorf("credit for %d bytes of what is dropped, taken %v; want %d", credit, taken, len(frame))
	}
}

func TestItemThatIsPutBackIsNextAndHasItsCredit(t *testing.T) {
	var in inbox
	in.init(func() {})
	first, second := frameOf(t, kindItem, string(make([]byte, 100<<10))), frameOf(t, kindItem, "second")
	given, _ := in.push(append(first, second...), 0)
	_, credit, _ := in.pop()
	given += credit
	if !in.unpop(first) || in.unread() != len(first)+len(second) {
		t.Fatalf("unread after unpop: %d bytes, want %d", in.unread(), len(first)+len(second))
	}
	again, credit, _ := in.pop()
	given += credit
	if len(again) != len(first)-frameHeader || given != len(first) {
		t.Errorf("pop = %d bytes, credit for %d in all; want %d and %d", len(again), given, len(first)-frameHeader, len(first))
	}
	in.close(io.EOF)
	if in.unpop(first) {
		t.Error("a closed inbox takes an item back")
	}
}
