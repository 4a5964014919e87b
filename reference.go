package luagw

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/luagw/luagw/internal/msgpack"
)

// channelMark is how a reference to a channel begins: an extension of four
// bytes, and its type.
var channelMark = []byte{0xd6, channelExtension}

// awaitRefs waits until the channels that an item or list names are here, before
// it is decoded. Its error is ctx's: of those that do not come within
// claimTimeout, all in all, the decoder tells.
func (c *Channel) awaitRefs(ctx context.Context, b []byte) error {
	switch msgpack.TypeOf(b) {
	default:
		return nil // also a string, which may be long
	case msgpack.List, msgpack.Map, msgpack.Extension:
	}
	if !bytes.Contains(b, channelMark) {
		return nil
	}
	short, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	for id, rest, found := nextRef(b); found; id, rest, found = nextRef(rest) {
		if !c.conn.awaitChannel(short, id) {
			return ctx.Err()
		}
	}
	return nil
}

// nextRef finds the next reference to a channel in b, and what follows it. It
// walks through lists and maps as if they were one, and finds none in what is
// malformed.
func nextRef(b []byte) (id uint32, rest []byte, found bool) {
	var err error
	for err == nil {
		switch msgpack.TypeOf(b) {
		case msgpack.Nil, msgpack.Bool:
			b = b[1:]
		case msgpack.Int:
			_, b, err = msgpack.ReadInt(b)
		case msgpack.Uint:
			_, b, err = msgpack.ReadUint(b)
		case msgpack.Float:
			_, b, err = msgpack.ReadFloat(b)
		case msgpack.String, msgpack.Bytes:
			_, b, err = msgpack.ReadText(b)
		case msgpack.List:
			_, b, err = msgpack.ReadListHeader(b)
		case msgpack.Map:
			_, b, err = msgpack.ReadMapHeader(b)
		case msgpack.Extension:
			var typ int8
			var data []byte
			typ, data, b, err = msgpack.ReadExtension(b)
			if typ == channelExtension && len(data) == 4 {
				return binary.BigEndian.Uint32(data), b, true
			}
		default:
			return 0, nil, false
		}
	}
	return 0, nil, false
}

// awaitNamed waits for the channels that an item names which was just taken from
// the inbox, and puts it back if ctx ends first.
func (c *Channel) awaitNamed(ctx context.Context, item []byte) ([]byte, error) {
	err := c.awaitRefs(ctx, item)
	if err == nil {
		return item, nil
	}
	frame, _ := endFrame(append(beginFrame(nil, kindItem), item...), 0) // as long as it was
	if !c.in.unpop(frame) {
		c.dropRefs([][]byte{frame})
	}
	return nil, err
}
