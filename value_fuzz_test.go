package luagw

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// FuzzUnmarshal checks that whatever comes from a peer ends in a value or an
// error of ours, and that a value encodes, and decodes again to the same.
func FuzzUnmarshal(f *testing.F) {
	for _, v := range []any{
		nil, 1.5, -70000, "text", []byte{0}, moment, time.Time{},
		[]any{1, []any{}, map[string]any{"a": nil}},
		map[any]any{"a": 1, 2: true, 1.5: moment},
		record{Extra: &Extra{}, Tags: []string{"a"}, At: moment},
	} {
		b, err := Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0xd6, 1, 0, 0, 0, 7})
	f.Add([]byte{0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0xdb, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		decodeTyped(t, b)
		v, err := Unmarshal(b)
		if err != nil {
			checkTyped(t, err)
			return
		}
		// Encodings are compared, as NaN is not equal to itself.
		first, err := Marshal(v)
		if err != nil {
			t.Fatalf("Marshal of what was decoded: %v", err)
		}
		again, err := Unmarshal(first)
		if err != nil {
			t.Fatalf("Unmarshal of what was encoded: %v", err)
		}
		second, err := Marshal(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("got %x, %v, want %x", second, err, first)
		}
		var raw Raw
		if err := decodeInto(b, nil, &raw); err != nil || !bytes.Equal(raw, b) {
			t.Errorf("into Raw: got %x, %v, want %x", raw, err, b)
		}
	})
}

// decodeTyped decodes b into Go types of many kinds.
func decodeTyped(t *testing.T, b []byte) {
	t.Helper()
	for _, dst := range []any{
		new(record), new([]record), new(map[string]record), new(map[any][]int8), new(map[level]float32),
		new([]*stamp), new([4]byte), new([]byte), new(*Channel), new([]time.Time), new(map[string]any), new(Raw),
	} {
		if err := decodeInto(b, nil, dst); err != nil {
			checkTyped(t, err)
		}
	}
}

func checkTyped(t *testing.T, err error) {
	t.Helper()
	var malformed *malformedError
	var mismatch *ValueError
	if !errors.As(err, &malformed) && !errors.As(err, &mismatch) {
		t.Errorf("error of type %T: %v", err, err)
	}
}
