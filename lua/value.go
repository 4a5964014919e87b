package lua

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/msgpack"
	"github.com/luagw/luagw/lua/std"
	glua "github.com/yuin/gopher-lua"
)

const (
	// maxDepth is how deep tables may be nested in an item: as deep as the
	// root package decodes.
	maxDepth = 128

	// maxExact is the largest integer up to which a Lua number is exact.
	maxExact = 1 << 53
)

// item is a Lua value on its way to or from the wire. It encodes tables
// straight to MessagePack and back, without a Go value in between.
type item struct {
	f    *fragment
	v    glua.LValue
	path string // what the item is called in errors; "item" if empty
}

var (
	_ luagw.Marshaler   = (*item)(nil)
	_ luagw.Unmarshaler = (*item)(nil)
)

// MarshalItem appends the value's encoding to b.
func (it *item) MarshalItem(b []byte, ch *luagw.Channel) ([]byte, error) {
	e := valueEncoder{ch: ch}
	out, err := e.value(b, it.v, 0)
	if err != nil {
		err.Path = rootOf(it.path) + err.Path
		return b, err
	}
	return out, nil
}

func rootOf(path string) string {
	if path == "" {
		return "item"
	}
	return path
}

// marshal encodes a value that leaves later than the state lives.
func (f *fragment) marshal(v glua.LValue) ([]byte, error) {
	return (&item{f: f, v: v}).MarshalItem(nil, f.home)
}

// marshalAt encodes the result of a chunk at index i.
func (f *fragment) marshalAt(v glua.LValue, i int) ([]byte, error) {
	return (&item{f: f, v: v, path: fmt.Sprintf("result %d", i+1)}).MarshalItem(nil, f.home)
}

// valueEncoder appends values. Errors are concrete, so that each level can put
// its part of the path before them.
type valueEncoder struct{ ch *luagw.Channel }

func (e *valueEncoder) value(b []byte, v glua.LValue, depth int) ([]byte, *luagw.ValueError) {
	switch v := v.(type) {
	case glua.LString:
		if len(v) > luagw.MaxItem {
			return b, refuse(fmt.Sprintf("string of %d bytes", len(v)), fmt.Sprintf("larger than the maximum of %d", luagw.MaxItem))
		}
		return msgpack.AppendString(b, string(v)), nil
	case glua.LNumber:
		return appendNumber(b, float64(v)), nil
	case glua.LBool:
		return msgpack.AppendBool(b, bool(v)), nil
	case *glua.LTable:
		return e.table(b, v, depth)
	case *glua.LNilType:
		return msgpack.AppendNil(b), nil
	case *glua.LUserData:
		return e.userData(b, v)
	}
	return b, refuse(v.Type().String(), "")
}

func refuse(kind, reason string) *luagw.ValueError {
	return &luagw.ValueError{Type: kind, Reason: reason}
}

// appendNumber appends a number with an integral value as an integer, where
// that is exact. Minus zero stays a float.
func appendNumber(b []byte, n float64) []byte {
	i := int64(n)
	if float64(i) == n && i <= maxExact && i >= -maxExact && (i != 0 || !math.Signbit(n)) {
		return msgpack.AppendInt(b, i)
	}
	return msgpack.AppendFloat64(b, n)
}

func (e *valueEncoder) userData(b []byte, v *glua.LUserData) ([]byte, *luagw.ValueError) {
	if std.IsNull(v) {
		return msgpack.AppendNil(b), nil
	}
	if n, ok := std.ToInt64(v); ok {
		return msgpack.AppendInt(b, n), nil
	}
	if n, ok := std.ToUint64(v); ok {
		return msgpack.AppendUint(b, n), nil
	}
	ch, ok := v.Value.(*channelValue)
	if !ok {
		return b, refuse("userdata", "")
	}
	if e.ch == nil {
		return b, refuse("channel", "cannot be sent here")
	}
	out, err := e.ch.AppendRef(b, ch.c)
	if refused, ok := errors.AsType[*luagw.ValueError](err); ok {
		return b, refuse("channel", refused.Reason)
	}
	return out, nil
}

func (e *valueEncoder) table(b []byte, t *glua.LTable, depth int) ([]byte, *luagw.ValueError) {
	if depth >= maxDepth {
		return b, refuse("table", fmt.Sprintf("a cycle, or nested deeper than %d", maxDepth))
	}
	if n, isList := std.Shape(t); isList {
		return e.list(b, t, n, depth)
	}
	return e.mapping(b, t, depth)
}

func (e *valueEncoder) list(b []byte, t *glua.LTable, n, depth int) ([]byte, *luagw.ValueError) {
	var err *luagw.ValueError
	b = msgpack.AppendListHeader(b, uint32(n))
	for i := 1; i <= n; i++ {
		if b, err = e.value(b, t.RawGetInt(i), depth+1); err != nil {
			err.Path = "[" + strconv.Itoa(i) + "]" + err.Path
			return b, err
		}
	}
	return b, nil
}

// mapping appends a map. Its length is known only at the end, so the header has
// a fixed size and is filled in then.
func (e *valueEncoder) mapping(b []byte, t *glua.LTable, depth int) ([]byte, *luagw.ValueError) {
	start := len(b)
	b = append(b, 0xdf, 0, 0, 0, 0) // map 32
	n := 0
	for k, v := t.Next(glua.LNil); k != glua.LNil; k, v = t.Next(k) {
		var err *luagw.ValueError
		if b, err = e.key(b, k); err != nil {
			return b, err
		}
		if b, err = e.value(b, v, depth+1); err != nil {
			err.Path = pathOf(k) + err.Path
			return b, err
		}
		n++
	}
	if n < 16 {
		b[start] = 0x80 | byte(n)
		copy(b[start+1:], b[start+5:])
		return b[:len(b)-4], nil
	}
	b[start+1], b[start+2], b[start+3], b[start+4] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return b, nil
}

func (e *valueEncoder) key(b []byte, k glua.LValue) ([]byte, *luagw.ValueError) {
	switch k := k.(type) {
	case glua.LString:
		return msgpack.AppendString(b, string(k)), nil
	case glua.LNumber:
		return appendNumber(b, float64(k)), nil
	case glua.LBool:
		return msgpack.AppendBool(b, bool(k)), nil
	}
	return b, refuse("key of type "+k.Type().String(), "")
}

// pathOf is how a key is written behind what it is a key of.
func pathOf(k glua.LValue) string {
	s, ok := k.(glua.LString)
	if !ok {
		return "[" + k.String() + "]"
	}
	for i := range len(s) {
		if !isNameByte(s[i]) || s[i] >= 0x80 || i == 0 && s[i] <= '9' {
			return "[" + strconv.Quote(string(s)) + "]"
		}
	}
	if s == "" {
		return `[""]`
	}
	return "." + string(s)
}
