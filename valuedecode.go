package luagw

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unsafe"

	"github.com/luagw/luagw/internal/msgpack"
)

const (
	// maxPrealloc bounds the elements for which room is made on the peer's
	// word. Beyond it room grows with what really arrives.
	maxPrealloc = 1024

	// aliasFrom is the length from which a string shares the memory of the
	// frames that it arrived with, of which it is most then.
	aliasFrom = 32 << 10

	// An item may take memoryBase bytes plus memoryFactor times its encoded
	// size: a map is one byte on the wire and a few hundred in memory.
	memoryBase   = 64 << 20
	memoryFactor = 8

	// What is charged for in memory, in bytes; measured, and rounded up.
	costScalar   = 8
	costSlot     = 16 // an interface in a list
	costList     = 24
	costMap      = 48
	costGroup    = 288 // of eight entries of a map[string]any, made with the first
	costEntry    = 72  // of an entry of a bigger map
	costTime     = 24
	entriesGroup = 8
)

// malformedError tells what is wrong in an encoded item. It comes from the
// peer, or from what was given to Unmarshal.
type malformedError struct {
	offset  int // bytes from the beginning of what was to be decoded
	problem string
}

func (e *malformedError) Error() string {
	return fmt.Sprintf("malformed item: byte %d: %s", e.offset, e.problem)
}

// Unmarshal decodes b, which must be exactly one item, to nil, bool, int64
// (uint64 above its range), float64, string, []any, map[string]any
// (map[any]any where a key is no string) or time.Time (in UTC). It keeps
// nothing of b. Channels are refused, as they mean something only on their
// connection. b may come from an enemy: depth and memory are bounded, the
// latter by 64 MiB plus eight times the length of b.
func Unmarshal(b []byte) (any, error) {
	d := newDecoder(b, nil)
	v, err := d.value()
	if err != nil {
		return nil, rooted(err)
	}
	if len(d.b) > 0 {
		return nil, trailing(b, d.b)
	}
	return v, nil
}

// decodeValue decodes the first item in b, which came on ch, and returns what
// follows it. b must not be changed any more: a long string stays where it is.
func decodeValue(b []byte, ch *Channel) (v any, rest []byte, err error) {
	d := newDecoder(b, ch)
	d.owned = true
	v, err = d.value()
	if err != nil {
		return nil, b, rooted(err)
	}
	return v, d.b, nil
}

func trailing(b, rest []byte) error {
	return &malformedError{len(b) - len(rest), fmt.Sprintf("%d more bytes after the item", len(rest))}
}

// decoder reads the parts of one item. It trusts nothing: counts are checked
// against what is there before room is made, depth and memory are bounded.
type decoder struct {
	b      []byte   // what is left to read
	ch     *Channel // on which the item came; nil if on none
	size   int      // of b at the beginning
	memory int64    // bytes which the item may still take
	depth  int      // lists and maps around the part
	hops   int      // pointers around the part, in the destination
	owned  bool     // nobody else will use the input: a long string may stay in it
}

func newDecoder(b []byte, ch *Channel) decoder {
	return decoder{b: b, ch: ch, size: len(b), memory: memoryBase + memoryFactor*int64(len(b))}
}

// value decodes the next part.
func (d *decoder) value() (any, error) {
	switch msgpack.TypeOf(d.b) {
	case msgpack.Nil:
		d.b = d.b[1:]
		return nil, nil
	case msgpack.Bool:
		v := d.boolean()
		return v, nil
	case msgpack.Int, msgpack.Uint:
		return d.integer()
	case msgpack.Float:
		return d.float()
	case msgpack.String, msgpack.Bytes:
		return d.text()
	case msgpack.List:
		return d.list()
	case msgpack.Map:
		return d.mapping()
	case msgpack.Invalid:
		return nil, d.invalid()
	}
	return d.extended()
}

// boolean reads what TypeOf said is one.
func (d *decoder) boolean() bool {
	v, rest, _ := msgpack.ReadBool(d.b)
	d.b = rest
	return v
}

// integer reads an int64, or a uint64 if it is above that.
func (d *decoder) integer() (any, error) {
	n, big, err := d.number()
	if err != nil {
		return nil, err
	}
	if err := d.charge(costScalar); err != nil {
		return nil, err
	}
	if big {
		return uint64(n), nil
	}
	return n, nil
}

// number reads an integer. It is uint64(n) if big, which is so above the range
// of int64 only.
func (d *decoder) number() (n int64, big bool, err error) {
	if msgpack.TypeOf(d.b) == msgpack.Uint {
		u, rest, err := msgpack.ReadUint(d.b)
		if err != nil {
			return 0, false, d.broken(err)
		}
		d.b = rest
		return int64(u), u > math.MaxInt64, nil
	}
	n, rest, err := msgpack.ReadInt(d.b)
	if err != nil {
		return 0, false, d.broken(err)
	}
	d.b = rest
	return n, false, nil
}

func (d *decoder) float() (float64, error) {
	f, rest, err := msgpack.ReadFloat(d.b)
	if err != nil {
		return 0, d.broken(err)
	}
	d.b = rest
	return f, d.charge(costScalar)
}

func (d *decoder) text() (string, error) {
	s, err := d.bytes()
	if err != nil {
		return "", err
	}
	if d.owned && len(s) >= aliasFrom {
		return unsafe.String(&s[0], len(s)), d.charge(costSlot)
	}
	return string(s), d.charge(costSlot + len(s))
}

// bytes reads a str or bin. What it returns lies in the input.
func (d *decoder) bytes() ([]byte, error) {
	s, rest, err := msgpack.ReadText(d.b)
	if err != nil {
		return nil, d.broken(err)
	}
	d.b = rest
	return s, nil
}

func (d *decoder) list() ([]any, error) {
	n, err := d.openList(costSlot)
	if err != nil {
		return nil, err
	}
	list := make([]any, 0, min(n, maxPrealloc))
	for i := range n {
		v, err := d.value()
		if err != nil {
			return nil, within(err, indexPath(i))
		}
		list = append(list, v)
	}
	d.depth--
	return list, nil
}

// mapping decodes a map to map[string]any, or to map[any]any once it meets a
// key that is no string. Of equal keys the last one wins.
func (d *decoder) mapping() (any, error) {
	n, err := d.openMap()
	if err != nil {
		return nil, err
	}
	m := make(map[string]any, min(n, maxPrealloc))
	for i := range n {
		if !d.atText() {
			return d.mixed(m, n-i)
		}
		if err := d.entry(m); err != nil {
			return nil, err
		}
	}
	d.depth--
	return m, nil
}

// entry decodes one entry into m. Its key is a string.
func (d *decoder) entry(m map[string]any) error {
	key, err := d.textKey()
	if err != nil {
		return err
	}
	v, err := d.value()
	if err != nil {
		return within(err, keyPath(key))
	}
	m[key] = v
	return nil
}

// textKey is text for a key.
func (d *decoder) textKey() (string, error) {
	if d.ch == nil {
		return d.text()
	}
	key, err := d.bytes()
	if err != nil {
		return "", err
	}
	return d.ch.conn.keys().string(key), d.charge(costSlot + len(key))
}

// mixed goes on decoding a map of which m was decoded and n entries are left.
func (d *decoder) mixed(m map[string]any, n int) (any, error) {
	out := make(map[any]any, min(len(m)+n, maxPrealloc))
	for k, v := range m {
		out[k] = v
	}
	for range n {
		key, err := d.key()
		if err != nil {
			return nil, err
		}
		v, err := d.value()
		if err != nil {
			return nil, within(err, fmt.Sprintf("[%v]", key))
		}
		out[key] = v
	}
	d.depth--
	return out, nil
}

// key decodes a key of a map: a string, number or bool. Lists and maps cannot
// be hashed in Go, and NaN is never found again.
func (d *decoder) key() (any, error) {
	switch msgpack.TypeOf(d.b) {
	case msgpack.String, msgpack.Bytes, msgpack.Int, msgpack.Uint, msgpack.Bool:
		return d.value()
	case msgpack.Float:
		f, err := d.float()
		if err == nil && math.IsNaN(f) {
			err = d.malformed("key is not a number")
		}
		return f, err
	case msgpack.Invalid:
		return nil, d.invalid()
	}
	return nil, d.malformed("key is a " + d.kind())
}

// openList reads a list's header and charges for its elements. Whoever has
// read them all counts the depth back.
func (d *decoder) openList(each int) (int, error) {
	n, rest, err := msgpack.ReadListHeader(d.b)
	if err != nil {
		return 0, d.broken(err)
	}
	if err := d.open(rest, uint64(n)); err != nil {
		return 0, err
	}
	return int(n), d.chargeEach(int(n), each, costList)
}

// openMap reads the header of a map that will be decoded to map[string]any or
// map[any]any.
func (d *decoder) openMap() (int, error) {
	n, err := d.openEntries()
	switch {
	case err != nil:
		return 0, err
	case n == 0:
		return 0, d.charge(costMap)
	case n <= entriesGroup:
		return n, d.charge(costMap + costGroup)
	}
	return n, d.chargeEach(n, costEntry, costMap)
}

// openEntries reads a map's header and charges nothing.
func (d *decoder) openEntries() (int, error) {
	n, rest, err := msgpack.ReadMapHeader(d.b)
	if err != nil {
		return 0, d.broken(err)
	}
	return int(n), d.open(rest, 2*uint64(n))
}

// open steps into a list or map of parts parts, of which each takes a byte or
// more.
func (d *decoder) open(rest []byte, parts uint64) error {
	if parts > uint64(len(rest)) {
		return d.malformed(fmt.Sprintf("%s claims more than there is", d.kind()))
	}
	if d.depth++; d.depth > maxDepth {
		return d.malformed("nested deeper than " + strconv.Itoa(maxDepth))
	}
	d.b = rest
	return nil
}

// skip reads over the next part, checking that it is well-formed.
func (d *decoder) skip() error {
	var err error
	switch msgpack.TypeOf(d.b) {
	case msgpack.Nil, msgpack.Bool:
		d.b = d.b[1:]
	case msgpack.Int, msgpack.Uint:
		_, _, err = d.number()
	case msgpack.Float:
		_, rest, bad := msgpack.ReadFloat(d.b)
		if bad != nil {
			return d.broken(bad)
		}
		d.b = rest
	case msgpack.String, msgpack.Bytes:
		_, err = d.bytes()
	case msgpack.List:
		n, bad := d.openList(0)
		return d.skipParts(n, bad)
	case msgpack.Map:
		n, bad := d.openEntries()
		return d.skipParts(2*n, bad)
	case msgpack.Invalid:
		err = d.invalid()
	default:
		_, _, err = d.extension()
	}
	return err
}

func (d *decoder) skipParts(n int, err error) error {
	if err != nil {
		return err
	}
	for range n {
		if err := d.skip(); err != nil {
			return err
		}
	}
	d.depth--
	return nil
}

// charge books n bytes of memory.
func (d *decoder) charge(n int) error {
	return d.chargeEach(1, n, 0)
}

// chargeEach books n times each bytes, and base.
func (d *decoder) chargeEach(n, each, base int) error {
	d.memory -= int64(n)*int64(each) + int64(base)
	if d.memory < 0 {
		limit := memoryBase + memoryFactor*int64(d.size)
		return d.malformed(fmt.Sprintf("takes more than %d MiB of memory", limit>>20))
	}
	return nil
}

func (d *decoder) atText() bool {
	t := msgpack.TypeOf(d.b)
	return t == msgpack.String || t == msgpack.Bytes
}

// kind names what comes next, in the words of Lua where it has one.
func (d *decoder) kind() string {
	switch msgpack.TypeOf(d.b) {
	case msgpack.Nil:
		return "nil"
	case msgpack.Bool:
		return "boolean"
	case msgpack.Int, msgpack.Uint, msgpack.Float:
		return "number"
	case msgpack.String, msgpack.Bytes:
		return "string"
	case msgpack.List:
		return "list"
	case msgpack.Map:
		return "map"
	case msgpack.Invalid:
		return "nothing"
	}
	probe := *d
	switch typ, _, _ := probe.extension(); typ {
	case timeExtension:
		return "time"
	case channelExtension:
		return "channel"
	}
	return "extension"
}

func (d *decoder) malformed(problem string) error {
	return &malformedError{d.size - len(d.b), problem}
}

// invalid reports that nothing, or nothing known, comes next.
func (d *decoder) invalid() error {
	if len(d.b) == 0 {
		return d.broken(msgpack.ErrShort)
	}
	return d.malformed(fmt.Sprintf("nothing begins with %#x", d.b[0]))
}

// broken reports an error of a reader.
func (d *decoder) broken(err error) error {
	return d.malformed(strings.TrimPrefix(err.Error(), "msgpack: "))
}
