package lua

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unsafe"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/msgpack"
	"github.com/luagw/luagw/lua/std"
	glua "github.com/yuin/gopher-lua"
)

const (
	// decodeBudget is what decoding one item may cost, in bytes of heap by
	// estimate, besides costPerByte for each byte that it has. A small item
	// can describe huge tables: an empty one is one byte on the wire.
	decodeBudget = 64 << 20
	costPerByte  = 8

	costTable = 200
	costField = 100
	costCell  = 16
	costText  = 32

	// alias is the length from which a string shares the memory of the item
	// that it came in, which it almost is.
	alias = 4 << 10
)

var errItem = errors.New("malformed item")

// UnmarshalItem decodes an item. It trusts nothing in it: depth, counts and
// memory are bounded, and the state is left as it was after an error.
func (it *item) UnmarshalItem(b []byte, ch *luagw.Channel) error {
	d := valueDecoder{f: it.f, ch: ch, b: b, budget: decodeBudget + costPerByte*int64(len(b))}
	v, err := d.value(0)
	if err != nil {
		return err
	}
	if len(d.b) > 0 {
		return fmt.Errorf("%w: %d bytes too many", errItem, len(d.b))
	}
	it.v = v
	return nil
}

type valueDecoder struct {
	f      *fragment
	ch     *luagw.Channel
	b      []byte
	budget int64 // bytes that the item may still cost
}

func (d *valueDecoder) charge(n int) error {
	return d.chargeEach(1, n)
}

// chargeEach books n times each bytes.
func (d *valueDecoder) chargeEach(n uint32, each int) error {
	d.budget -= int64(n) * int64(each)
	if d.budget < 0 {
		return fmt.Errorf("%w: takes too much memory", errItem)
	}
	return nil
}

func (d *valueDecoder) value(depth int) (glua.LValue, error) {
	switch msgpack.TypeOf(d.b) {
	case msgpack.String, msgpack.Bytes:
		s, err := d.text()
		return glua.LString(s), err
	case msgpack.Int:
		n, rest, err := msgpack.ReadInt(d.b)
		d.b = rest
		return d.f.number(n), broken(err)
	case msgpack.Uint:
		n, rest, err := msgpack.ReadUint(d.b)
		d.b = rest
		return d.f.unsigned(n), broken(err)
	case msgpack.Float:
		n, rest, err := msgpack.ReadFloat(d.b)
		d.b = rest
		return glua.LNumber(n), broken(err)
	case msgpack.List:
		return d.list(depth)
	case msgpack.Map:
		return d.mapping(depth)
	case msgpack.Bool:
		v, rest, err := msgpack.ReadBool(d.b)
		d.b = rest
		return glua.LBool(v), broken(err)
	case msgpack.Nil:
		d.b = d.b[1:]
		return glua.LNil, nil
	case msgpack.Extension:
		return d.extension()
	}
	if len(d.b) == 0 {
		return nil, broken(msgpack.ErrShort)
	}
	return nil, fmt.Errorf("%w: unknown type 0x%02x", errItem, d.b[0])
}

// broken makes an error about the item of one of a reader.
func broken(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", errItem, strings.TrimPrefix(err.Error(), "msgpack: "))
}

// text reads a string or bytes.
func (d *valueDecoder) text() (string, error) {
	raw, rest, err := msgpack.ReadText(d.b)
	if err != nil {
		return "", broken(err)
	}
	d.b = rest
	if err := d.charge(costText + len(raw)); err != nil {
		return "", err
	}
	if len(raw) >= alias && len(raw) >= cap(raw)/2 {
		return unsafe.String(&raw[0], len(raw)), nil
	}
	return string(raw), nil
}

// number is n as a plain number where that is exact, and as an int64 beyond.
func (f *fragment) number(n int64) glua.LValue {
	if n > maxExact || n < -maxExact {
		return std.NewInt64(f.L, n)
	}
	return glua.LNumber(n)
}

// unsigned is n as a plain number where that is exact, and as a uint64 beyond.
func (f *fragment) unsigned(n uint64) glua.LValue {
	if n > maxExact {
		return std.NewUint64(f.L, n)
	}
	return glua.LNumber(n)
}

// enter steps into a list or map of n parts, of which each takes a byte or
// more: a count that is not there is found before anything is allocated for it.
func (d *valueDecoder) enter(rest []byte, n uint64, depth int) error {
	if depth >= maxDepth {
		return fmt.Errorf("%w: nested deeper than %d", errItem, maxDepth)
	}
	if n > uint64(len(rest)) {
		return broken(msgpack.ErrShort)
	}
	d.b = rest
	return d.charge(costTable)
}

// list decodes a list. A nil in it becomes null, which keeps its place.
func (d *valueDecoder) list(depth int) (glua.LValue, error) {
	n, rest, err := msgpack.ReadListHeader(d.b)
	if err != nil {
		return nil, broken(err)
	}
	if err := d.enter(rest, uint64(n), depth); err != nil {
		return nil, err
	}
	if err := d.chargeEach(n, costCell); err != nil {
		return nil, err
	}
	t := d.f.L.CreateTable(int(min(n, 1024)), 0)
	for range n {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if v == glua.LNil {
			v = std.Null
		}
		t.Append(v)
	}
	return t, nil
}

// mapping decodes a map. A nil value becomes null. A map without entries is
// marked, to be one again when it is sent.
func (d *valueDecoder) mapping(depth int) (glua.LValue, error) {
	n, rest, err := msgpack.ReadMapHeader(d.b)
	if err != nil {
		return nil, broken(err)
	}
	if err := d.enter(rest, 2*uint64(n), depth); err != nil {
		return nil, err
	}
	if err := d.chargeEach(n, costField); err != nil {
		return nil, err
	}
	t := d.f.L.CreateTable(0, int(min(n, 1024)))
	if n == 0 {
		std.MarkMap(d.f.L, t)
	}
	for range n {
		if err := d.entry(t, depth); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (d *valueDecoder) entry(t *glua.LTable, depth int) error {
	key, err := d.value(maxDepth) // no tables here
	if err != nil {
		return err
	}
	if err := d.checkKey(t, key); err != nil {
		return err
	}
	v, err := d.value(depth + 1)
	if err != nil {
		return err
	}
	if v == glua.LNil {
		v = std.Null
	}
	t.RawSet(key, v)
	return nil
}

// checkKey refuses keys that a table cannot have, and charges for the gap that
// gopher-lua fills below a whole number that lies beyond a table's items.
func (d *valueDecoder) checkKey(t *glua.LTable, key glua.LValue) error {
	switch k := key.(type) {
	case glua.LString, glua.LBool:
		return nil
	case glua.LNumber:
		if math.IsNaN(float64(k)) {
			return fmt.Errorf("%w: NaN is no key", errItem)
		}
		if gap := float64(k) - float64(t.MaxN()); gap > 1 && float64(k) < float64(glua.MaxArrayIndex) {
			return d.charge(int(gap) * costCell)
		}
		return nil
	}
	return fmt.Errorf("%w: %s is no key", errItem, key.Type())
}

// Extension types: -1 is MessagePack's timestamp, 1 a channel.
const (
	extensionTime    = -1
	extensionChannel = 1
)

func (d *valueDecoder) extension() (glua.LValue, error) {
	typ, _, rest, err := msgpack.ReadExtension(d.b)
	if err != nil {
		return nil, broken(err)
	}
	switch {
	case typ == extensionChannel && d.ch != nil:
		c, _, err := d.ch.ReadRef(d.b)
		if err != nil {
			return nil, err
		}
		d.b = rest
		return d.f.channel(c), nil
	case typ == extensionTime:
		t, err := readTime(d.b[:len(d.b)-len(rest)])
		d.b = rest
		return glua.LNumber(float64(t.UnixNano()) / float64(time.Second)), err
	}
	return nil, fmt.Errorf("%w: unknown extension", errItem)
}

// readTime decodes a timestamp by the root package's rules.
func readTime(b []byte) (time.Time, error) {
	v, err := luagw.Unmarshal(b)
	t, ok := v.(time.Time)
	if err != nil || !ok {
		return time.Time{}, fmt.Errorf("%w: bad time", errItem)
	}
	return t, nil
}
