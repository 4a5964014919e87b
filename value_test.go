package luagw

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"
)

var moment = time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC)

// TestGoldenBytes holds what is on the wire. It is frozen: gateways and agents
// of different versions talk with each other.
func TestGoldenBytes(t *testing.T) {
	tests := []struct {
		name string
		item any
		want string
	}{
		{"nil", nil, "c0"},
		{"false", false, "c2"},
		{"true", true, "c3"},
		{"zero", 0, "00"},
		{"fixint", 127, "7f"},
		{"negative fixint", -32, "e0"},
		{"int8", -33, "d0df"},
		{"uint8", 200, "d100c8"},
		{"int16", -1000, "d1fc18"},
		{"int32", -100000, "d2fffe7960"},
		{"int64 minimum", int64(math.MinInt64), "d38000000000000000"},
		{"int64 maximum", int64(math.MaxInt64), "d37fffffffffffffff"},
		{"uint64 maximum", uint64(math.MaxUint64), "cfffffffffffffffff"},
		{"float64", 1.5, "cb3ff8000000000000"},
		{"integral float64", 2.0, "cb4000000000000000"},
		{"float32", float32(1.5), "ca3fc00000"},
		{"infinity", math.Inf(1), "cb7ff0000000000000"},
		{"negative zero", math.Copysign(0, -1), "cb8000000000000000"},
		{"string", "hi", "a26869"},
		{"empty string", "", "a0"},
		{"any bytes", "\x00\xff", "a200ff"},
		{"str8", strings.Repeat("x", 32), "d920" + strings.Repeat("78", 32)},
		{"bytes", []byte{1, 2}, "c4020102"},
		{"list", []any{1, "a", nil}, "9301a161c0"},
		{"empty list", []any{}, "90"},
		{"map", map[string]any{"b": 2, "a": 1}, "82a16101a16202"},
		{"empty map", map[string]any{}, "80"},
		{"mixed map", map[any]any{"a": 1, 2: "b", true: nil}, "8302a162a16101c3c0"},
		{"time of 32 bits", time.Unix(1, 0), "d6ff00000001"},
		{"time of 64 bits", time.Unix(1, 1), "d7ff0000000400000001"},
		{"time of 96 bits", time.Unix(-1, 1), "c70cff00000001ffffffffffffffff"},
		{"duration", time.Second, "d23b9aca00"},
		{"raw", Raw{0x93, 1, 2, 3}, "93010203"},
		{"empty raw", Raw(nil), "c0"},
		{"struct", struct {
			Name string `luagw:"name"`
			Port int
		}{"web", 80}, "82a46e616d65a3776562a4506f727450"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Marshal(tt.item)
			if err != nil {
				t.Fatalf("Marshal: %v", err)
			}
			if hex.EncodeToString(got) != tt.want {
				t.Errorf("Marshal(%v) = %x, want %s", tt.item, got, tt.want)
			}
		})
	}
}

func TestChannelRefOnWire(t *testing.T) {
	e := encoder{ch: nil}
	if _, err := e.channel(nil, &Channel{}); err == nil {
		t.Error("channel without a connection: got no error")
	}
	if _, err := Marshal(map[string]any{"c": &Channel{}}); err == nil || err.Error() != "item.c: channel: travels only on a channel" {
		t.Errorf("got error %v", err)
	}
	for _, wire := range []string{"d60100000007", "c7040100000007"} {
		_, err := Unmarshal(unhex(t, "81a163"+wire))
		if err == nil || err.Error() != "item.c: channel: travels only on a channel" {
			t.Errorf("%s: got error %v", wire, err)
		}
	}
	if _, _, err := new(Channel).ReadRef([]byte{0xd6, 5, 0, 0, 0, 7}); err == nil {
		t.Error("ReadRef of another extension: got no error")
	}
	if _, _, err := new(Channel).ReadRef(nil); err == nil {
		t.Error("ReadRef of nothing: got no error")
	}
	b, err := (*Channel)(nil).AppendRef(nil, nil)
	if err != nil || !bytes.Equal(b, []byte{0xc0}) {
		t.Errorf("AppendRef of nil = %x, %v", b, err)
	}
}

type level int8

func (l level) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "level-%d", int(l)), nil }

func (l *level) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "level-%d", (*int8)(l))
	return err
}

// stamp encodes itself, by a method of its pointer.
type stamp struct{ n int }

func (s *stamp) MarshalItem(b []byte, ch *Channel) ([]byte, error) {
	if s.n < 0 {
		return nil, &ValueError{Path: "item.n", Type: "stamp", Reason: "is negative"}
	}
	return append(b, 0x92, 1, byte(s.n)), nil
}

func (s *stamp) UnmarshalItem(b []byte, ch *Channel) error {
	if len(b) != 3 || b[0] != 0x92 {
		return errors.New("no stamp")
	}
	s.n = int(b[2])
	return nil
}

func TestRoundTrip(t *testing.T) {
	type small struct{ A int }
	n := 5
	tests := []struct {
		name string
		item any
		want any
	}{
		{"named kinds", []any{level(3), reflect.Bool}, []any{"level-3", int64(1)}},
		{"pointers", []any{&n, (*int)(nil), &small{1}}, []any{int64(5), nil, map[string]any{"A": int64(1)}}},
		{"bytes come as a string", []byte("x\xff"), "x\xff"},
		{"byte array", [2]byte{65, 66}, "AB"},
		{"nil bytes", []byte(nil), ""},
		{"nil lists", []any{[]int(nil), []any(nil), []string(nil)}, []any{[]any{}, []any{}, []any{}}},
		{"nil maps", []any{map[int]int(nil), map[string]any(nil)}, []any{map[string]any{}, map[string]any{}}},
		{"strings", []string{"a", ""}, []any{"a", ""}},
		{"array", [2]bool{true, false}, []any{true, false}},
		{"int keys", map[int8]string{-1: "a", 300 - 256: "b"}, map[any]any{int64(-1): "a", int64(44): "b"}},
		{"bool keys", map[bool]int{true: 1}, map[any]any{true: int64(1)}},
		{"string keys", map[level]int{1: 1}, map[string]any{"level-1": int64(1)}},
		{"float key", map[any]any{1.5: 1}, map[any]any{1.5: int64(1)}},
		{"text", netip.MustParseAddr("::1"), "::1"},
		{"error", fmt.Errorf("no %s", "luck"), "no luck"},
		{"nil error", struct{ Err error }{}, map[string]any{"Err": nil}},
		{"time", moment.In(time.FixedZone("X", 3600)), moment},
		{"oldest time", time.Time{}, time.Time{}},
		{"far time", time.Unix(1<<40, 999999999), time.Unix(1<<40, 999999999).UTC()},
		{"marshaler", []any{&stamp{7}, stamp{8}, (*stamp)(nil)}, []any{[]any{int64(1), int64(7)}, []any{int64(1), int64(8)}, nil}},
		{"raw within", []Raw{{0xc3}, nil}, []any{true, nil}},
		{"uint64", []uint64{math.MaxInt64, math.MaxInt64 + 1}, []any{int64(math.MaxInt64), uint64(math.MaxInt64 + 1)}},
		{"list of 70000", make([]bool, 70000), slicesOf(70000)},
		{"records", []map[string]any{{"a": 1}, nil}, []any{map[string]any{"a": int64(1)}, map[string]any{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := Marshal(tt.item)
			if err != nil {
				t.Fatalf("Marshal: %v", err)
			}
			got, err := Unmarshal(b)
			if err != nil {
				t.Fatalf("Unmarshal: %v", err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v, want %#v", got, tt.want)
			}
		})
	}
}

func slicesOf(n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = false
	}
	return list
}

type loop struct {
	Next *loop `luagw:"next"`
}

type pointerLoop *pointerLoop

func TestRefused(t *testing.T) {
	cycle := map[string]any{}
	cycle["self"] = cycle
	list := []any{nil}
	list[0] = list
	ring := &loop{}
	ring.Next = ring
	var pointer pointerLoop
	pointer = &pointer
	var inside any
	inside = &inside
	f := func() {}
	tests := []struct {
		name string
		item any
		want string
	}{
		{"function", map[string]any{"hosts": []any{0, 1, 2, map[string]any{"f": f}}}, "item.hosts[3].f: function cannot be sent"},
		{"function itself", f, "item: function cannot be sent"},
		{"odd key", map[string]any{"a b": f}, `item["a b"]: function cannot be sent`},
		{"integer key", map[int]func(){3: f}, "item[3]: function cannot be sent"},
		{"field", struct {
			F func() `luagw:"f"`
		}{}, "item.f: function cannot be sent"},
		{"go channel", []any{make(chan int)}, "item[0]: Go channel cannot be sent"},
		{"complex", 1i, "item: complex128 cannot be sent"},
		{"unsafe pointer", unsafe.Pointer(nil), "item: unsafe.Pointer cannot be sent"},
		{"struct key", map[struct{ A int }]int{{1}: 1}, "cannot be a key"},
		{"nan key", map[float64]int{math.NaN(): 1}, "item[NaN]: float64: cannot be a key"},
		{"nil key", map[any]int{nil: 1}, "cannot be a key"},
		{"nil text key", map[*netip.Addr]int{nil: 1}, "cannot be a key"},
		{"same keys", map[any]any{int8(1): 1, int16(1): 2}, "two keys are the same"},
		{"map cycle", cycle, "item.self.self.self"},
		{"list cycle", list, "cycle or nested deeper than 128"},
		{"struct cycle", ring, "cycle or nested deeper than 128"},
		{"pointer cycle", pointer, "cycle or nested deeper than 128"},
		{"interface cycle", inside, "cycle or nested deeper than 128"},
		{"marshaler", []any{&stamp{-1}}, "item[0].n: stamp: is negative"},
		{"channel value", struct{ C Channel }{}, "item.C: luagw.Channel cannot be sent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := []byte("before")
			b, err := appendValue(before, tt.item, nil)
			var refused *ValueError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got error %v, want %q", err, tt.want)
			}
			if len(err.Error()) > 400 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
			if string(b) != "before" {
				t.Errorf("got %q back, want it as it was", b)
			}
		})
	}
}

func TestDepthIsTheSameBothWays(t *testing.T) {
	nested := func(n int) any {
		var v any
		for range n {
			v = []any{v}
		}
		return v
	}
	b, err := Marshal(nested(maxDepth))
	if err != nil {
		t.Fatalf("Marshal of depth %d: %v", maxDepth, err)
	}
	if _, err := Unmarshal(b); err != nil {
		t.Errorf("Unmarshal of depth %d: %v", maxDepth, err)
	}
	if _, err := Marshal(nested(maxDepth + 1)); err == nil {
		t.Errorf("Marshal of depth %d: got no error", maxDepth+1)
	}
	if _, err := Unmarshal(append([]byte{0x91}, b...)); err == nil {
		t.Errorf("Unmarshal of depth %d: got no error", maxDepth+1)
	}
}

func TestMalformed(t *testing.T) {
	tests := []struct {
		name string
		wire string
		want string
	}{
		{"nothing", "", "byte 0: ends too soon"},
		{"trailing", "c0c0", "byte 1: 1 more bytes after the item"},
		{"reserved byte", "91c1", "byte 1: nothing begins with 0xc1"},
		{"short int", "d300", "ends too soon"},
		{"short uint", "cf00", "ends too soon"},
		{"short float", "cb00", "ends too soon"},
		{"short string", "a3", "ends too soon"},
		{"string of 4 GiB", "dbffffffff", "ends too soon"},
		{"bin of 4 GiB", "c6ffffffff00", "ends too soon"},
		{"list of 4 G", "ddffffffff", "claims more"},
		{"map of 4 G", "dfffffffff", "claims more"},
		{"map of half", "82c0c0", "claims more"},
		{"short header", "dc00", "ends too soon"},
		{"short map header", "de00", "ends too soon"},
		{"nan key", "81cb7ff8000000000001c0", "key is not a number"},
		{"nil key", "81c0c0", "key is a nil"},
		{"list key", "8190c0", "key is a list"},
		{"map key after string key", "82a16101" + "80c0", "key is a map"},
		{"unknown extension", "d42a00", "extension of unknown type 42"},
		{"a private time", "c70c05000000000000000000000000", "extension of unknown type 5"},
		{"complex", "d7030000000000000000", "extension of unknown type 3"},
		{"short extension", "c7", "ends too soon"},
		{"extension of 4 GiB", "c9ffffffff01", "ends too soon"},
		{"time of 5 bytes", "c705ff0000000000", "time of 5 bytes"},
		{"time of too many nanoseconds", "d7ffffffffff00000000", "999999999"},
		{"channel of 2 bytes", "d5010000", "channel of 2 bytes"},
		{"deep", strings.Repeat("91", 1000) + "c0", "nested deeper than 128"},
		{"deep maps", strings.Repeat("81a0", 1000) + "c0", "nested deeper than 128"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := unhex(t, tt.wire)
			_, err := Unmarshal(b)
			checkMalformed(t, "Unmarshal", err, tt.want)
			var raw Raw
			if err := decodeInto(b, nil, &raw); err == nil && strings.Contains(tt.want, "too soon") {
				t.Errorf("into Raw: got no error")
			}
		})
	}
}

func checkMalformed(t *testing.T, doing string, err error, want string) {
	t.Helper()
	var malformed *malformedError
	if !errors.As(err, &malformed) || !strings.HasPrefix(err.Error(), "malformed item: ") || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got error %v, want a malformed item: %q", doing, err, want)
	}
}

// TestHostile measures what crafted items cost.
func TestHostile(t *testing.T) {
	nesting := bytes.Repeat([]byte{0xdc, 0x40, 0x00}, 20000)
	million := func(unit ...byte) []byte {
		n := 1 << 20 / len(unit)
		head := []byte{0xdd, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
		return append(head, bytes.Repeat(unit, n)...)
	}
	type big struct{ Room [4096]int64 }
	tests := []struct {
		name string
		b    []byte
		into any
	}{
		{"lists which claim the rest", nesting, new(any)},
		{"maps which claim the rest", bytes.Repeat([]byte{0xde, 0x20, 0x00}, 20000), new(any)},
		{"a million empty maps", million(0x80), new(any)},
		{"a million empty lists", million(0x90), new(any)},
		{"maps of one", million(0x81, 0xa0, 0xc0), new(any)},
		{"maps of nine", million(append([]byte{0x89}, bytes.Repeat([]byte{0xa0, 0xc0}, 9)...)...), new(any)},
		{"mixed maps", million(0x81, 0x01, 0xc0), new(any)},
		{"a million big structs", million(0x80), new([]big)},
		{"a million pointers to big structs", million(0x80), new([]*big)},
		{"typed maps", million(0x81, 0x01, 0xc0), new([]map[int]big)},
		{"small typed maps", million(0x81, 0x01, 0xc0), new([]map[int8]int8)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := decodeInto(tt.b, nil, tt.into)
			runtime.ReadMemStats(&after)
			// The budget, and garbage of lists that grew.
			const most = 160 << 20
			used := after.TotalAlloc - before.TotalAlloc
			if used > most {
				t.Errorf("%d bytes cost %d MiB (error %v)", len(tt.b), used>>20, err)
			}
			t.Logf("%d bytes cost %d MiB (error %v)", len(tt.b), used>>20, err)
		})
	}
}

func TestMarshalAllocates(t *testing.T) {
	b := make([]byte, 0, 64)
	for _, v := range []any{nil, true, 12345, int64(1 << 40), 1.5, "some text", moment, []byte("x")} {
		got := testing.AllocsPerRun(100, func() {
			if _, err := appendValue(b, v, nil); err != nil {
				t.Fatal(err)
			}
		})
		if got != 0 {
			t.Errorf("appendValue of %T: %v allocations, want none", v, got)
		}
	}
}

func TestAppendValues(t *testing.T) {
	b, err := appendValues(nil, []any{1, "a"}, nil)
	if err != nil || !bytes.Equal(b, []byte{0x92, 1, 0xa1, 'a'}) {
		t.Errorf("got %x, %v", b, err)
	}
	b, err = appendValues([]byte("x"), []any{1, func() {}}, nil)
	if err == nil || err.Error() != "item[1]: function cannot be sent" || string(b) != "x" {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestDecodeValueLeavesTheRest(t *testing.T) {
	v, rest, err := decodeValue([]byte{1, 2, 3}, nil)
	if err != nil || v != int64(1) || !bytes.Equal(rest, []byte{2, 3}) {
		t.Errorf("got %v, %x, %v", v, rest, err)
	}
}

func TestDecodeKeepsNothing(t *testing.T) {
	b, _ := Marshal([]any{"text", map[string]any{"key": []byte("bytes")}})
	got, err := Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var raw Raw
	if err := decodeInto(b, nil, &raw); err != nil {
		t.Fatal(err)
	}
	clear(b)
	if want := []any{"text", map[string]any{"key": "bytes"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if raw[0] != 0x92 {
		t.Errorf("got raw %x", raw)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
