package luagw

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// long is the i-th of many strings that are all different, of more than a frame
// of the connection.
func long(i int) string { return strings.Repeat(string(rune('a'+i%26)), 200<<10+i) }

func TestReceiveIntoUsesTheMemoryOfBytesAgain(t *testing.T) {
	ctx := bounded(t)
	c, err := openTest(t).RemoteExec(ctx, "echo")
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 0, 1<<20)
	first := &got[:1][0]
	for i, want := range []string{long(0), "short", "", long(1)} {
		if err := c.Send(ctx, want); err != nil {
			t.Fatal(err)
		}
		if err := c.ReceiveInto(ctx, &got); err != nil || string(got) != want {
			t.Fatalf("item %d: %d bytes, %v; want %d", i, len(got), err, len(want))
		}
		if &got[:1][0] != first {
			t.Fatalf("item %d is in new memory", i)
		}
	}
	if err := c.Send(ctx, strings.Repeat("x", 2<<20)); err != nil {
		t.Fatal(err)
	}
	if err := c.ReceiveInto(ctx, &got); err != nil || len(got) != 2<<20 {
		t.Fatalf("an item beyond the capacity: %d bytes, %v", len(got), err)
	}
	var empty []byte
	if c.Send(ctx, ""); c.ReceiveInto(ctx, &empty) != nil || empty == nil {
		t.Error("an empty string is made nil")
	}
}

// TestReusedFramesLeaveStringsAlone receives long strings in all ways by turns:
// those that share the memory of their frame must stay as they were.
func TestReusedFramesLeaveStringsAlone(t *testing.T) {
	ctx := bounded(t)
	c, err := openTest(t).RemoteExec(ctx, "echo")
	if err != nil {
		t.Fatal(err)
	}
	kept := map[int]any{}
	var again []byte
	const items = 60
	for i := range items {
		if err := c.Send(ctx, long(i)); err != nil {
			t.Fatal(err)
		}
		var err error
		switch i % 5 {
		case 0:
			kept[i], err = c.Receive(ctx)
		case 1:
			kept[i], err = ReceiveAs[string](ctx, c)
		case 2:
			kept[i], err = ReceiveAs[any](ctx, c)
		case 3:
			var raw Raw
			raw, err = ReceiveAs[Raw](ctx, c)
			kept[i] = raw
		case 4:
			err = c.ReceiveInto(ctx, &again)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, v := range kept {
		if raw, ok := v.(Raw); ok {
			if v, err = Unmarshal(raw); err != nil {
				t.Fatal(err)
			}
		}
		if v != long(i) {
			t.Errorf("item %d has changed", i)
		}
	}
}

// TestReaderOfALongStream also has pieces that are longer than what is read.
func TestReaderOfALongStream(t *testing.T) {
	ctx := bounded(t)
	c, err := openTest(t).RemoteExec(ctx, "echo")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	go func() {
		defer c.CloseWrite()
		for i := range 20 {
			c.Send(ctx, long(i))
		}
	}()
	for i := range 20 {
		want.WriteString(long(i))
	}
	got, err := io.ReadAll(iotest.HalfReader(c.Reader(ctx)))
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d bytes, %v; want %d", len(got), err, want.Len())
	}
}
