package luagw_test

import (
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/luagw/luagw"
)

// travelling is what there and back again should not change, or change as told.
var travelling = []struct {
	name     string
	in, want any
}{
	{"nil", nil, nil},
	{"true", true, true},
	{"zero", 0, int64(0)},
	{"int below 32 bits", -1<<31 - 1, int64(-1<<31 - 1)},
	{"largest exact number", 1 << 53, int64(1 << 53)},
	{"smallest integer", int64(math.MinInt64), int64(math.MinInt64)},
	{"largest integer", int64(math.MaxInt64), int64(math.MaxInt64)},
	{"largest unsigned", uint64(math.MaxUint64), uint64(math.MaxUint64)},
	{"fraction", 1.5, 1.5},
	{"whole float", 2.0, int64(2)},
	{"infinity", math.Inf(-1), math.Inf(-1)},
	{"empty string", "", ""},
	{"any bytes", "\x00\xff\xfe", "\x00\xff\xfe"},
	{"bytes", []byte{0, 1}, "\x00\x01"},
	{"long string", strings.Repeat("x", 100_000), strings.Repeat("x", 100_000)},
	{"empty list", []any{}, []any{}},
	{"empty map", map[string]any{}, map[string]any{}},
	{"list with nils", []any{nil, 1, nil}, []any{nil, int64(1), nil}},
	{"nested", []any{[]any{}, []any{[]any{}}}, []any{[]any{}, []any{[]any{}}}},
	{"map of maps", map[string]any{"a": map[string]any{"b": nil}}, map[string]any{"a": map[string]any{"b": nil}}},
	{"other keys", map[any]any{1.5: "x", true: "y"}, map[any]any{1.5: "x", true: "y"}},
	{"time", time.Unix(1, 0), int64(1)},
}

var valueBehaviours = []behaviour{
	{150, "values come back as they went", func(b *bed) {
		c := b.exec("echo_any.lua")
		for _, v := range travelling {
			b.send(c, v.in)
			got, err := c.Receive(b.ctx)
			if err != nil || !reflect.DeepEqual(got, v.want) {
				b.Errorf("%s: got %#v, %v; want %#v", v.name, got, err, v.want)
			}
		}
	}},
	{150, "what is no number stays none", func(b *bed) {
		c := b.exec("echo_any.lua")
		b.send(c, math.NaN(), math.Copysign(0, -1))
		nan, err := luagw.ReceiveAs[float64](b.ctx, c)
		if err != nil || !math.IsNaN(nan) {
			b.Errorf("NaN came back as %v, %v", nan, err)
		}
		zero, err := luagw.ReceiveAs[float64](b.ctx, c)
		if err != nil || zero != 0 || !math.Signbit(zero) {
			b.Errorf("-0 came back as %v, %v", zero, err)
		}
	}},
	{155, "structs go and come", func(b *bed) {
		type host struct {
			Name  string `luagw:"name"`
			Ports []int  `luagw:"ports"`
		}
		want := host{"web1", []int{80, 443}}
		c := b.exec("echo.lua")
		b.send(c, want)
		got, err := luagw.ReceiveAs[host](b.ctx, c)
		if err != nil || !reflect.DeepEqual(got, want) {
			b.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	}},
}
