package mux

import (
	"encoding/binary"
	"fmt"
)

// The frames of yamux, see
// https://github.com/hashicorp/yamux/blob/master/spec.md: a header of version,
// type, flags, stream and length, big endian; behind one of type data, as many
// bytes as its length says.
const (
	headerSize = 12

	typeData   = 0
	typeUpdate = 1 // length: how many bytes more the peer may send
	typePing   = 2 // length: an opaque value to be sent back
	typeGoAway = 3 // length: why

	flagSYN = 1 // opens the stream
	flagACK = 2 // accepts it
	flagFIN = 4 // the sender will write no more
	flagRST = 8 // refuses or aborts it
)

// header is the header of one frame.
type header struct {
	version byte
	typ     byte
	flags   uint16
	stream  uint32
	length  uint32
}

func (h header) append(b []byte) []byte {
	b = append(b, h.version, h.typ)
	b = binary.BigEndian.AppendUint16(b, h.flags)
	b = binary.BigEndian.AppendUint32(b, h.stream)
	return binary.BigEndian.AppendUint32(b, h.length)
}

// parseHeader takes apart the first headerSize bytes of b.
func parseHeader(b []byte) header {
	return header{
		version: b[0], typ: b[1], flags: binary.BigEndian.Uint16(b[2:]),
		stream: binary.BigEndian.Uint32(b[4:]), length: binary.BigEndian.Uint32(b[8:]),
	}
}

// protocolError tells of a mistake in the peer's frames.
func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}
