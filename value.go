package luagw

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/luagw/luagw/internal/msgpack"
)

const (
	// maxDepth is how deep lists and maps may be nested, on both sides. Deeper
	// is a cycle, or an attack on the stack: in Go a stack overflow kills the
	// process and cannot be recovered.
	maxDepth = 128

	// maxPointers is how many pointers may be followed on the way to one
	// value. Pointers are nothing on the wire, so they do not count as depth,
	// but a pointer to itself must end somewhere.
	maxPointers = 4 * maxDepth
)

// Raw is one item in its encoded form, as json.RawMessage is for JSON: what
// Send copies to the wire as it stands, and what a fragment's item can be
// received into without being decoded. An empty Raw is nil.
//
// A Raw that was received is well-formed. A Raw that is sent is not looked at,
// for speed: if it is not exactly one item, the peer reports the item around
// it as malformed. References to channels hold only on the connection on which
// they were received.
type Raw []byte

// Marshaler is a value which appends its own encoding to b: exactly one item.
// The channel is the one on which the item travels, for [Channel.AppendRef];
// it is nil in [Marshal]. An error refuses the whole item.
type Marshaler interface {
	MarshalItem(b []byte, ch *Channel) ([]byte, error)
}

// Unmarshaler is a value which decodes an item by itself. b is valid only
// during the call, unless the value is what [Channel.ReceiveInto] was given
// itself: that one may keep b, which nobody changes then. b holds what the peer sent: it may be malformed, nested
// without end, or claim sizes that are not there. The channel is the one on
// which the item came, for [Channel.ReadRef]; it is nil if there is none.
type Unmarshaler interface {
	UnmarshalItem(b []byte, ch *Channel) error
}

// Marshal returns the encoding of v as an item: what Send would put on the
// wire. Channels are refused, as they mean something only on their connection.
// What cannot travel is told by a *[ValueError].
//
// These travel: nil, bool, integers, floats, strings (any bytes), byte slices
// and arrays, [time.Time], [time.Duration] (nanoseconds), slices and arrays,
// maps whose keys are strings, numbers or bools, structs, pointers and interfaces
// to all of these, [*Channel], [Raw], [Marshaler], encoding.TextMarshaler and
// error (as their text). Nil slices and maps travel as empty ones, so that a
// fragment may walk them. A field of a struct is named by its tag,
// `luagw:"name"`, or else as in Go; "-" leaves it out, and ",omitempty" does
// so if it is zero or has no elements. Unexported fields are left out, and
// embedded structs are flattened as in encoding/json.
func Marshal(v any) ([]byte, error) {
	return appendValue(make([]byte, 0, 64), v, nil)
}

// appendValue appends the encoding of v, as it travels on ch, to b. On error
// it returns b as it was.
func appendValue(b []byte, v any, ch *Channel) ([]byte, error) {
	e := encoder{ch: ch}
	out, err := e.value(b, v)
	if err != nil {
		return b, rooted(err)
	}
	return out, nil
}

// appendValues appends vs as a list. On error it returns b as it was.
func appendValues(b []byte, vs []any, ch *Channel) ([]byte, error) {
	e := encoder{ch: ch}
	out, err := e.list(b, vs)
	if err != nil {
		return b, rooted(err)
	}
	return out, nil
}

// encoder appends the parts of one value. The paths of its errors are those
// below the part: whoever holds the part adds where it is.
type encoder struct {
	ch       *Channel // on which the value travels; nil if on none
	depth    int      // lists, maps and structs around the part
	pointers int      // followed on the way to the part
}

// value appends v. What is common is found by a type switch, the rest is other's.
func (e *encoder) value(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return msgpack.AppendNil(b), nil
	case bool:
		return msgpack.AppendBool(b, v), nil
	case string:
		return e.text(b, v)
	case int:
		return msgpack.AppendInt(b, int64(v)), nil
	case int64:
		return msgpack.AppendInt(b, v), nil
	case uint32:
		return msgpack.AppendUint(b, uint64(v)), nil
	case uint64:
		return msgpack.AppendUint(b, v), nil
	case float64:
		return msgpack.AppendFloat64(b, v), nil
	case []byte:
		return e.bytes(b, v)
	case []any:
		return e.list(b, v)
	case map[string]any:
		return e.stringMap(b, v)
	case []string:
		return e.strings(b, v)
	case time.Time:
		return appendTime(b, v), nil
	case *Channel:
		return e.channel(b, v)
	case Raw:
		return appendRaw(b, v), nil
	}
	return e.other(b, v)
}

// text appends a string. It is str on the wire whatever its bytes are: a Lua
// string is bytes.
func (e *encoder) text(b []byte, s string) ([]byte, error) {
	if err := checkLength(len(s), "string"); err != nil {
		return b, err
	}
	return msgpack.AppendString(b, s), nil
}

func (e *encoder) bytes(b, s []byte) ([]byte, error) {
	if err := checkLength(len(s), "string"); err != nil {
		return b, err
	}
	return msgpack.AppendBytes(b, s), nil
}

func (e *encoder) list(b []byte, list []any) ([]byte, error) {
	if err := e.enter("list", len(list)); err != nil {
		return b, err
	}
	b = msgpack.AppendListHeader(b, uint32(len(list)))
	var err error
	for i, v := range list {
		if b, err = e.value(b, v); err != nil {
			return b, within(err, indexPath(i))
		}
	}
	e.depth--
	return b, nil
}

func (e *encoder) strings(b []byte, list []string) ([]byte, error) {
	if err := e.enter("list", len(list)); err != nil {
		return b, err
	}
	b = msgpack.AppendListHeader(b, uint32(len(list)))
	var err error
	for i, s := range list {
		if b, err = e.text(b, s); err != nil {
			return b, within(err, indexPath(i))
		}
	}
	e.depth--
	return b, nil
}

// stringMap appends a map in the order of its keys, so that equal values have
// equal encodings.
func (e *encoder) stringMap(b []byte, m map[string]any) ([]byte, error) {
	if err := e.enter("map", len(m)); err != nil {
		return b, err
	}
	b = msgpack.AppendMapHeader(b, uint32(len(m)))
	var room [24]string
	keys := room[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var err error
	for _, k := range keys {
		if b, err = e.text(b, k); err != nil {
			return b, err
		}
		if b, err = e.value(b, m[k]); err != nil {
			return b, within(err, keyPath(k))
		}
	}
	e.depth--
	return b, nil
}

// enter counts a list or map of size parts. On error nothing is counted back:
// the value is given up.
func (e *encoder) enter(kind string, size int) error {
	if e.depth++; e.depth > maxDepth {
		return &ValueError{Type: kind, Reason: tooDeep}
	}
	return checkLength(size, kind)
}

var tooDeep = "cycle or nested deeper than " + strconv.Itoa(maxDepth)

// checkLength refuses what the format's 32-bit lengths cannot tell.
func checkLength(n int, kind string) error {
	if uint64(n) > math.MaxUint32 {
		return &ValueError{Type: kind, Reason: fmt.Sprintf("%d is too long", n)}
	}
	return nil
}

func appendRaw(b []byte, r Raw) []byte {
	if len(r) == 0 {
		return msgpack.AppendNil(b)
	}
	return append(b, r...)
}

// within puts segment before the path of err: the part at fault is in there.
func within(err error, segment string) error {
	if e, ok := err.(*ValueError); ok {
		e.Path = segment + e.Path
	}
	return err
}

// rooted completes the path of err.
func rooted(err error) error {
	if e, ok := err.(*ValueError); ok {
		e.Path = "item" + shortened(e.Path)
	}
	return err
}

// shortened leaves out the middle of a long path, as a cycle's is.
func shortened(path string) string {
	const most, keep = 240, 110
	if len(path) <= most {
		return path
	}
	return path[:keep] + "..." + path[len(path)-keep:]
}

func indexPath(i int) string { return "[" + strconv.Itoa(i) + "]" }

// keyPath renders the key of a map or the name of a field as a step of a path.
func keyPath(key string) string {
	if isIdentifier(key) {
		return "." + key
	}
	if len(key) > 64 {
		key = key[:64] + "..."
	}
	return "[" + strconv.Quote(key) + "]"
}

func isIdentifier(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}
