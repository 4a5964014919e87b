package msgpack

import (
	"encoding/binary"
	"math"
)

// AppendNil appends nil to b.
func AppendNil(b []byte) []byte { return append(b, leadNil) }

// AppendBool appends a bool to b.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, leadYes)
	}
	return append(b, leadNo)
}

// AppendInt appends a signed integer to b.
func AppendInt(b []byte, n int64) []byte {
	switch {
	case -32 <= n && n <= math.MaxInt8:
		return append(b, byte(n))
	case int64(int8(n)) == n:
		return append(b, int8s, byte(n))
	case int64(int16(n)) == n:
		return append(b, int16s, byte(n>>8), byte(n))
	case int64(int32(n)) == n:
		return append(b, int32s, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append64(b, int64s, uint64(n))
}

// AppendUint appends an unsigned integer to b.
func AppendUint(b []byte, n uint64) []byte {
	switch {
	case n <= math.MaxInt8:
		return append(b, byte(n))
	case n <= math.MaxUint8:
		return append(b, uint8s, byte(n))
	case n <= math.MaxUint16:
		return append(b, uint16s, byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return append(b, uint32s, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append64(b, uint64s, n)
}

// AppendFloat32 appends a float of 32 bits to b.
func AppendFloat32(b []byte, f float32) []byte {
	return binary.BigEndian.AppendUint32(append(b, float32s), math.Float32bits(f))
}

// AppendFloat64 appends a float of 64 bits to b.
func AppendFloat64(b []byte, f float64) []byte {
	return append64(b, float64s, math.Float64bits(f))
}

func append64(b []byte, lead byte, n uint64) []byte {
	return append(b, lead, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// AppendString appends s as a str to b. Its length must fit in 32 bits.
func AppendString(b []byte, s string) []byte {
	n := len(s)
	switch {
	case n < 32:
		b = append(b, fixStr|byte(n))
	case n <= math.MaxUint8:
		b = append(b, str8, byte(n))
	default:
		b = appendLength(b, str16, uint32(n))
	}
	return append(b, s...)
}

// AppendBytes appends s as a bin to b. Its length must fit in 32 bits.
func AppendBytes(b, s []byte) []byte {
	if len(s) <= math.MaxUint8 {
		b = append(b, bin8, byte(len(s)))
	} else {
		b = appendLength(b, bin16, uint32(len(s)))
	}
	return append(b, s...)
}

// AppendListHeader appends what stands before the n elements of a list to b.
func AppendListHeader(b []byte, n uint32) []byte {
	if n < 16 {
		return append(b, fixArray|byte(n))
	}
	return appendLength(b, array16, n)
}

// AppendMapHeader appends what stands before the n keys, each followed by its
// value, of a map to b.
func AppendMapHeader(b []byte, n uint32) []byte {
	if n < 16 {
		return append(b, fixMap|byte(n))
	}
	return appendLength(b, map16, n)
}

// appendLength appends a lead byte and a length of 16 bits, or the lead byte
// that follows it and one of 32.
func appendLength(b []byte, lead byte, n uint32) []byte {
	if n <= math.MaxUint16 {
		return append(b, lead, byte(n>>8), byte(n))
	}
	return append(b, lead+1, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// AppendExtension appends an extension of the given type to b: a fixext if data
// has 1, 2, 4, 8 or 16 bytes, otherwise an ext. The length of data must fit in
// 32 bits.
func AppendExtension(b []byte, typ int8, data []byte) []byte {
	switch n := len(data); {
	case n == 1:
		b = append(b, fixExt1)
	case n == 2:
		b = append(b, fixExt2)
	case n == 4:
		b = append(b, fixExt4)
	case n == 8:
		b = append(b, fixExt8)
	case n == 16:
		b = append(b, fixExt16)
	case n <= math.MaxUint8:
		b = append(b, ext8, byte(n))
	default:
		b = appendLength(b, ext16, uint32(n))
	}
	return append(append(b, byte(typ)), data...)
}
