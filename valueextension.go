package luagw

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/luagw/luagw/internal/msgpack"
)

// The extension types of MessagePack in use. A channel's payload is its id, four
// bytes, big-endian.
const (
	channelExtension = 1
	timeExtension    = -1
)

// AppendRef appends a reference to other, as it travels on c, to b. A channel
// of another gateway is refused. It is for a [Marshaler].
func (c *Channel) AppendRef(b []byte, other *Channel) ([]byte, error) {
	e := encoder{ch: c}
	out, err := e.channel(b, other)
	if err != nil {
		return b, rooted(err)
	}
	return out, nil
}

// ReadRef reads a reference to a channel from the beginning of b, and returns
// the channel it names on c's connection and what follows it in b. It is for an
// [Unmarshaler].
func (c *Channel) ReadRef(b []byte) (*Channel, []byte, error) {
	d := newDecoder(b, c)
	typ, data, err := d.extension()
	if err != nil {
		return nil, b, err
	}
	if typ != channelExtension {
		return nil, b, d.malformed("extension of type " + strconv.Itoa(int(typ)) + " where a channel should be")
	}
	ch, err := d.channel(data)
	if err != nil {
		return nil, b, rooted(err)
	}
	return ch, d.b, nil
}

// channel appends a reference to other.
func (e *encoder) channel(b []byte, other *Channel) ([]byte, error) {
	if other == nil {
		return msgpack.AppendNil(b), nil
	}
	if e.ch == nil {
		return b, &ValueError{Type: "channel", Reason: channelAlone}
	}
	id, err := e.ch.refTo(other)
	if err != nil {
		return b, &ValueError{Type: "channel", Reason: err.Error()}
	}
	var data [4]byte
	binary.BigEndian.PutUint32(data[:], id)
	return msgpack.AppendExtension(b, channelExtension, data[:]), nil
}

const channelAlone = "travels only on a channel"

// appendTime appends t as a MessagePack timestamp in the shortest of its three
// forms, exact for every time.Time.
func appendTime(b []byte, t time.Time) []byte {
	var data [12]byte
	sec, nsec := t.Unix(), uint64(t.Nanosecond())
	switch {
	case sec < 0 || sec >= 1<<34:
		binary.BigEndian.PutUint32(data[:], uint32(nsec))
		binary.BigEndian.PutUint64(data[4:], uint64(sec))
		return msgpack.AppendExtension(b, timeExtension, data[:])
	case nsec == 0 && sec <= math.MaxUint32:
		binary.BigEndian.PutUint32(data[:], uint32(sec))
		return msgpack.AppendExtension(b, timeExtension, data[:4])
	default:
		binary.BigEndian.PutUint64(data[:], nsec<<34|uint64(sec))
		return msgpack.AppendExtension(b, timeExtension, data[:8])
	}
}

// extended decodes an extension: a time or a channel.
func (d *decoder) extended() (any, error) {
	typ, data, err := d.extension()
	if err != nil {
		return nil, err
	}
	switch typ {
	case channelExtension:
		return d.channel(data)
	case timeExtension:
		t, err := d.time(data)
		if err != nil {
			return nil, err
		}
		return t, d.charge(costTime)
	}
	return nil, d.malformed("extension of unknown type " + strconv.Itoa(int(typ)))
}

// channel returns the channel named by an extension's data.
func (d *decoder) channel(data []byte) (*Channel, error) {
	if len(data) != 4 {
		return nil, d.malformed(fmt.Sprintf("channel of %d bytes", len(data)))
	}
	if d.ch == nil {
		return nil, &ValueError{Type: "channel", Reason: channelAlone}
	}
	ch, err := d.ch.claim(binary.BigEndian.Uint32(data))
	if err != nil {
		return nil, &ValueError{Type: "channel", Reason: err.Error()}
	}
	return ch, nil
}

// time returns the time in an extension's data, in UTC: what travels is the
// moment, not the zone.
func (d *decoder) time(data []byte) (time.Time, error) {
	var sec, nsec uint64
	switch len(data) {
	case 4:
		sec = uint64(binary.BigEndian.Uint32(data))
	case 8:
		both := binary.BigEndian.Uint64(data)
		sec, nsec = both&(1<<34-1), both>>34
	case 12:
		nsec = uint64(binary.BigEndian.Uint32(data))
		sec = binary.BigEndian.Uint64(data[4:])
	default:
		return time.Time{}, d.malformed(fmt.Sprintf("time of %d bytes", len(data)))
	}
	if nsec > 999_999_999 {
		return time.Time{}, d.malformed("time of more than 999999999 nanoseconds")
	}
	return time.Unix(int64(sec), int64(nsec)).UTC(), nil
}

// extension reads an extension of any type. Its data lie in the input.
func (d *decoder) extension() (typ int8, data []byte, err error) {
	typ, data, rest, err := msgpack.ReadExtension(d.b)
	switch {
	case errors.Is(err, msgpack.ErrType):
		return 0, nil, d.malformed(d.kind() + " where an extension should be")
	case err != nil:
		return 0, nil, d.broken(err)
	}
	d.b = rest
	return typ, data, nil
}
