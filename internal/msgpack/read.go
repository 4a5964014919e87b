package msgpack

import (
	"encoding/binary"
	"math"
)

// ReadBool reads a [Bool].
func ReadBool(b []byte) (v bool, rest []byte, err error) {
	if TypeOf(b) != Bool {
		return false, b, wrong(b)
	}
	return b[0] == leadYes, b[1:], nil
}

// ReadInt reads an [Int].
func ReadInt(b []byte) (n int64, rest []byte, err error) {
	if len(b) == 0 {
		return 0, b, ErrShort
	}
	lead := b[0]
	if lead < fixMap || lead >= fixMinus {
		return int64(int8(lead)), b[1:], nil
	}
	if lead < int8s || lead > int64s {
		return 0, b, ErrType
	}
	end := 1 + 1<<(lead-int8s)
	if len(b) < end {
		return 0, b, ErrShort
	}
	switch lead {
	case int8s:
		n = int64(int8(b[1]))
	case int16s:
		n = int64(int16(binary.BigEndian.Uint16(b[1:])))
	case int32s:
		n = int64(int32(binary.BigEndian.Uint32(b[1:])))
	default:
		n = int64(binary.BigEndian.Uint64(b[1:]))
	}
	return n, b[end:], nil
}

// ReadUint reads a [Uint].
func ReadUint(b []byte) (n uint64, rest []byte, err error) {
	if len(b) == 0 {
		return 0, b, ErrShort
	}
	lead := b[0]
	if lead < uint8s || lead > uint64s {
		return 0, b, ErrType
	}
	end := 1 + 1<<(lead-uint8s)
	if len(b) < end {
		return 0, b, ErrShort
	}
	switch lead {
	case uint8s:
		n = uint64(b[1])
	case uint16s:
		n = uint64(binary.BigEndian.Uint16(b[1:]))
	case uint32s:
		n = uint64(binary.BigEndian.Uint32(b[1:]))
	default:
		n = binary.BigEndian.Uint64(b[1:])
	}
	return n, b[end:], nil
}

// ReadFloat reads a [Float] of 32 or 64 bits.
func ReadFloat(b []byte) (f float64, rest []byte, err error) {
	switch {
	case TypeOf(b) != Float:
		return 0, b, wrong(b)
	case b[0] == float64s && len(b) >= 9:
		return math.Float64frombits(binary.BigEndian.Uint64(b[1:])), b[9:], nil
	case b[0] == float32s && len(b) >= 5:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b[1:]))), b[5:], nil
	}
	return 0, b, ErrShort
}

// ReadText reads a [String] or [Bytes]. What it returns lies in b.
func ReadText(b []byte) (text, rest []byte, err error) {
	if len(b) == 0 {
		return nil, b, ErrShort
	}
	lead := b[0]
	switch {
	case lead&^0x1f == fixStr:
		return cut(b, 1, uint64(lead&0x1f))
	case lead == str8 || lead == bin8:
		return cutLong(b, 1)
	case lead == str16 || lead == bin16:
		return cutLong(b, 2)
	case lead == str32 || lead == bin32:
		return cutLong(b, 4)
	}
	return nil, b, ErrType
}

// cutLong cuts off what lies behind a lead byte and a length of width bytes.
func cutLong(b []byte, width int) (data, rest []byte, err error) {
	if len(b) < 1+width {
		return nil, b, ErrShort
	}
	return cut(b, 1+width, length(b[1:], width))
}

// cut cuts off n bytes behind a header. Lengths are compared in 64 bits: one
// from the input may be above what an int holds.
func cut(b []byte, header int, n uint64) (data, rest []byte, err error) {
	if uint64(len(b)) < uint64(header)+n {
		return nil, b, ErrShort
	}
	end := header + int(n)
	return b[header:end], b[end:], nil
}

// length reads a length of 1, 2 or 4 bytes, which are there.
func length(b []byte, width int) uint64 {
	switch width {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	}
	return uint64(binary.BigEndian.Uint32(b))
}

// ReadListHeader reads how many elements the [List] has that begins b; they
// follow. The caller must not make room for more than can be in rest, where
// each has a byte or more.
func ReadListHeader(b []byte) (n uint32, rest []byte, err error) {
	return readHeader(b, fixArray, array16)
}

// ReadMapHeader reads how many entries the [Map] has that begins b; they
// follow, each a key and a value. The caller must not make room for more than
// can be in rest, where each has two bytes or more.
func ReadMapHeader(b []byte) (n uint32, rest []byte, err error) {
	return readHeader(b, fixMap, map16)
}

func readHeader(b []byte, fix, lead16 byte) (n uint32, rest []byte, err error) {
	if len(b) == 0 {
		return 0, b, ErrShort
	}
	width := 4
	switch lead := b[0]; lead {
	default:
		if lead&0xf0 != fix {
			return 0, b, ErrType
		}
		return uint32(lead & 0x0f), b[1:], nil
	case lead16:
		width = 2
	case lead16 + 1:
	}
	if len(b) < 1+width {
		return 0, b, ErrShort
	}
	return uint32(length(b[1:], width)), b[1+width:], nil
}

// ReadExtension reads an [Extension]. Its data lie in b.
func ReadExtension(b []byte) (typ int8, data, rest []byte, err error) {
	if TypeOf(b) != Extension {
		return 0, nil, b, wrong(b)
	}
	header, n := 2, uint64(0)
	if lead := b[0]; lead >= fixExt1 {
		n = 1 << (lead - fixExt1)
	} else {
		width := 1 << (lead - ext8)
		header += width
		if len(b) < header {
			return 0, nil, b, ErrShort
		}
		n = length(b[1:], width)
	}
	if data, rest, err = cut(b, header, n); err != nil {
		return 0, nil, b, err
	}
	return int8(b[header-1]), data, rest, nil
}

// wrong is the error for a value that is not of the type to be read.
func wrong(b []byte) error {
	if len(b) == 0 {
		return ErrShort
	}
	return ErrType
}
