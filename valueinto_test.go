package luagw

import (
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

type base struct {
	ID   int `luagw:"id"`
	Name string
}

type Extra struct {
	Name  string // hidden by the outer one
	Note  string `luagw:"note"`
	Inner *Extra `luagw:"inner,omitempty"`
}

type record struct {
	base
	*Extra
	Name    string            `luagw:"Name"`
	Port    uint16            `luagw:"port"`
	Ratio   float32           `luagw:"ratio,omitempty"`
	Tags    []string          `luagw:"tags,omitempty"`
	Env     map[string]string `luagw:"env,omitempty"`
	At      time.Time         `luagw:"at,omitempty"`
	Wait    time.Duration     `luagw:"wait"`
	Any     any               `luagw:"any,omitempty"`
	Skipped string            `luagw:"-"`
	Dash    bool              `luagw:"-,"`
	hidden  int
}

func TestStructRoundTrip(t *testing.T) {
	tests := []struct {
		name string
		in   record
		want map[string]any
	}{
		{
			"empty",
			record{Skipped: "x", hidden: 1, Tags: []string{}},
			map[string]any{"id": int64(0), "Name": "", "port": int64(0), "wait": int64(0), "-": false},
		},
		{
			"full",
			record{
				base: base{ID: 7, Name: "below"}, Extra: &Extra{Name: "below", Note: "n", Inner: &Extra{Note: "m"}},
				Name: "web", Port: 80, Ratio: 0.5, Tags: []string{"a"}, Env: map[string]string{"K": "V"},
				At: moment, Wait: time.Second, Any: []any{true}, Dash: true,
			},
			map[string]any{
				"id": int64(7), "note": "n", "Name": "web", "port": int64(80), "ratio": 0.5, "tags": []any{"a"},
				"env": map[string]any{"K": "V"}, "at": moment, "wait": int64(time.Second), "any": []any{true}, "-": true,
				"inner": map[string]any{"Name": "", "note": "m"},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := Marshal(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Unmarshal(b)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("as any: got %v, %v\nwant %v", got, err, tt.want)
			}
			var back record
			if err := decodeInto(b, nil, &back); err != nil {
				t.Fatal(err)
			}
			again, err := Marshal(back)
			if err != nil || string(again) != string(b) {
				t.Errorf("decoded and encoded again: got %x, %v\nwant %x", again, err, b)
			}
		})
	}
}

func TestDominantField(t *testing.T) {
	type A struct{ X, Y, Z int }
	type B struct {
		X int
		Y int `luagw:"Y"`
	}
	type Both struct {
		A
		B
		Z int
	}
	b, err := Marshal(Both{A{1, 2, 3}, B{4, 5}, 6})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := Unmarshal(b)
	if want := map[string]any{"Y": int64(5), "Z": int64(6)}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDecodeInto(t *testing.T) {
	type tree struct {
		Kids []tree           `luagw:"kids"`
		By   map[string]*tree `luagw:"by"`
		N    int              `luagw:"n"`
	}
	type blob []byte
	type word string
	tests := []struct {
		name string
		item any
		want any // what is put in a variable of this type
	}{
		{"any", []any{1}, any([]any{int64(1)})},
		{"named kinds", map[string]any{"a": "b"}, map[word]word{"a": "b"}},
		{"integral float to int", 3.0, 3},
		{"integral float to uint64", float64(1 << 63), uint64(1 << 63)},
		{"uint64", uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{"int to float", 3, 3.0},
		{"uint64 to float", uint64(math.MaxUint64), float64(math.MaxUint64)},
		{"infinity to float32", math.Inf(-1), float32(math.Inf(-1))},
		{"string to bytes", "ab", []byte("ab")},
		{"bytes to string", []byte("ab"), "ab"},
		{"string to named bytes", "ab", blob("ab")},
		{"string to byte array", "ab", [2]byte{'a', 'b'}},
		{"list to byte array", []any{1, 2}, [2]byte{1, 2}},
		{"empty list to bytes", []any{}, []byte{}},
		{"empty list to map", []any{}, map[string]int{}},
		{"empty list to any map", []any{}, map[string]any{}},
		{"empty list to struct", []any{}, tree{}},
		{"any map", map[string]any{"a": nil}, map[string]any{"a": nil}},
		{"any list", []any{nil}, []any{nil}},
		{"mixed keys", map[any]any{1: "a", "b": 2}, map[any]string(nil)},
		{"int keys", map[int]string{1: "a"}, map[uint8]string{1: "a"}},
		{"float keys", map[float64]bool{1.5: true}, map[float32]bool{1.5: true}},
		{"any keys", map[any]any{1: "a", "b": "c"}, map[any]string{int64(1): "a", "b": "c"}},
		{"text keys", map[string]any{"level-4": 1}, map[level]int{4: 1}},
		{"nil to int", nil, 0},
		{"nil to map", nil, map[string]int(nil)},
		{"nil in list", []any{nil, 1}, []int{0, 1}},
		{"list of 3000", make([]int, 3000), make([]int, 3000)},
		{"array", []any{1, 2}, [2]int{1, 2}},
		{"recursive", map[string]any{"kids": []any{map[string]any{"n": 1}}, "by": map[string]any{"x": map[string]any{"n": 2}}},
			tree{Kids: []tree{{N: 1}}, By: map[string]*tree{"x": {N: 2}}}},
		{"unknown fields", map[any]any{"x": []any{map[string]any{"y": 1.5}, moment, nil, -1}, 1: 2, "n": 3}, tree{N: 3}},
		{"text", "10.0.0.1", netip.MustParseAddr("10.0.0.1")},
		{"kind where there is text too", 3, level(3)},
		{"time", moment, moment},
		{"duration", 5, 5 * time.Nanosecond},
		{"raw", 1, Raw{1}},
		{"raw of nil", nil, Raw{0xc0}},
		{"raw fields", map[string]any{"a": []any{1}}, map[string]Raw{"a": {0x91, 1}}},
		{"unmarshaler", Raw{0x92, 1, 9}, stamp{9}},
		{"unmarshalers within", []Raw{{0x92, 1, 9}, {0x92, 1, 8}}, []*stamp{{9}, {8}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := Marshal(tt.item)
			if err != nil {
				t.Fatal(err)
			}
			dst := reflect.New(reflect.TypeOf(tt.want))
			if tt.name == "any" {
				dst = reflect.ValueOf(new(any))
			}
			err = decodeInto(b, nil, dst.Interface())
			if tt.name == "mixed keys" {
				if err == nil || err.Error() != `item.b: number: cannot be put in string` {
					t.Errorf("got error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := dst.Elem().Interface(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v, want %#v", got, tt.want)
			}
		})
	}
}

func TestMismatch(t *testing.T) {
	type host struct {
		Port int     `luagw:"port"`
		Peer *int8   `luagw:"peer"`
		Err  error   `luagw:"err"`
		IDs  []uint8 `luagw:"ids"`
	}
	tests := []struct {
		name string
		item any
		into any
		want string
	}{
		{"string in int", map[string]any{"port": "x"}, new(host), "item.port: string: cannot be put in int"},
		{"fraction in int", map[string]any{"port": 1.5}, new(host), "item.port: number: 1.5 cannot be put in int"},
		{"nan in int", math.NaN(), new(int), "item: number: NaN cannot be put in int"},
		{"2^64 in uint", math.Pow(2, 64), new(uint64), "cannot be put in uint64"},
		{"2^63 in int", math.Pow(2, 63), new(int64), "item: number: 9223372036854775808 cannot be put in int64"},
		{"overflow behind pointer", map[string]any{"peer": 128}, new(host), "item.peer: number: 128 cannot be put in int8"},
		{"negative in uint", []int{1, -1}, new([]uint), "item[1]: number: -1 cannot be put in uint"},
		{"uint64 in int64", uint64(math.MaxUint64), new(int64), "18446744073709551615 cannot be put in int64"},
		{"overflow of uint", 256, new(uint8), "256 cannot be put in uint8"},
		{"overflow of float32", 1e300, new(float32), "item: number: 1e+300 cannot be put in float32"},
		{"error", map[string]any{"err": "x"}, new(host), "item.err: string: cannot be put in error"},
		{"list in struct", []any{1}, new(host), "item: list: cannot be put in luagw.host"},
		{"list in any map", []any{1}, new(map[string]any), "item: list: cannot be put in map[string]interface {}"},
		{"map in list", map[string]any{}, new([]int), "item: map: cannot be put in []int"},
		{"map in string", map[string]any{}, new(string), "item: map: cannot be put in string"},
		{"bool in float", true, new(float64), "item: boolean: cannot be put in float64"},
		{"number in bool", 1, new(bool), "item: number: cannot be put in bool"},
		{"number key in any map", map[int]int{1: 1}, new(map[string]any), "item: number: cannot be put in string"},
		{"number key in map", map[int]int{1: 1}, new(map[string]int), "item: number: cannot be put in string"},
		{"struct key", map[int]int{1: 1}, new(map[struct{ A int }]int), "cannot be put in struct"},
		{"short list in array", []any{1}, new([2]int), "item: list of 1: cannot be put in [2]int"},
		{"long string in array", "abc", new([2]byte), "item: string of 3 bytes: cannot be put in [2]uint8"},
		{"key of a map", map[string]any{"a b": map[string]any{"": "x"}}, new(map[string]map[string]int), `item["a b"][""]: string: cannot be put in int`},
		{"number in time", 1, new(time.Time), "item: number: cannot be put in time.Time"},
		{"string in time", "x", new(time.Time), "item: string: cannot be put in time.Time"},
		{"time in channel", moment, new(*Channel), "item: time: cannot be put in *luagw.Channel"},
		{"time in string", moment, new(string), "item: time: cannot be put in string"},
		{"bad text", "x", new(netip.Addr), "item: string: cannot be put in netip.Addr: ParseAddr"},
		{"unmarshaler", []any{1}, new([]stamp), "item[0]: luagw.stamp: no stamp"},
		{"function", 1, new(func()), "item: number: cannot be put in func()"},
		{"pointer to itself", 1, new(pointerLoop), "nested deeper"},
		{"no pointer", 1, 5, "item: int: is no pointer"},
		{"nil pointer", 1, (*int)(nil), "item: *int: is no pointer"},
		{"nil", 1, nil, "is no pointer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := Marshal(tt.item)
			if err != nil {
				t.Fatal(err)
			}
			err = decodeInto(b, nil, tt.into)
			var mismatch *ValueError
			if !errors.As(err, &mismatch) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestDecodeIntoKeepsDefaults(t *testing.T) {
	type settings struct {
		Port  int
		Host  string
		Hosts map[string]int
	}
	got := settings{Port: 22, Host: "old", Hosts: map[string]int{"old": 1}}
	b, _ := Marshal(map[string]any{"Host": nil, "Hosts": map[string]int{"new": 2}})
	if err := decodeInto(b, nil, &got); err != nil {
		t.Fatal(err)
	}
	if want := (settings{Port: 22, Hosts: map[string]int{"new": 2}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestDecodeIntoMalformed(t *testing.T) {
	tests := []struct {
		name string
		wire string
		into any
		want string
	}{
		{"nothing", "", new(int), "ends too soon"},
		{"trailing", "0101", new(int), "1 more bytes"},
		{"short int", "d2", new(int), "ends too soon"},
		{"short string", "a2", new(string), "ends too soon"},
		{"cut list", "92a0", new([]string), "claims more"},
		{"cut struct", "81a1", new(struct{ A int }), "claims more"},
		{"cut value", "82a141c0", new(struct{ A int }), "claims more"},
		{"nil key", "81c001", new(map[string]int), "key is a nil"},
		{"nil any key", "81c001", new(map[any]int), "key is a nil"},
		{"nan key", "81cb7ff800000000000101", new(map[float64]int), "key is not a number"},
		{"list key", "819001", new(map[any]int), "key is a list"},
		{"deep unknown field", "81a178" + strings.Repeat("91", 200) + "c0", new(struct{ A int }), "nested deeper"},
		{"deep raw", strings.Repeat("91", 200) + "c0", new(Raw), "nested deeper"},
		{"reserved byte", "91c1", new([]int), "nothing begins with 0xc1"},
		{"huge extension", "c9ffffffffff", new(time.Time), "ends too soon"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkMalformed(t, "decodeInto", decodeInto(unhex(t, tt.wire), nil, tt.into), tt.want)
		})
	}
}
