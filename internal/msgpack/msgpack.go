// Package msgpack appends and reads the parts of MessagePack values, as
// https://github.com/msgpack/msgpack/blob/master/spec.md has them: one nil,
// number or string at a time, and the headers of lists and maps. Walking into
// lists and maps, and bounding their depth and memory, is the caller's; nothing
// here recurses or allocates in proportion to a length that it reads.
//
// # Which form is appended
//
// A value has several forms in MessagePack. Appended is always the shortest one
// of the value's own Go type, and this choice is part of luagw's protocol, as
// items are compared and hashed by their encoding:
//
//   - int64: fixint from -32 to 127, otherwise int 8, 16, 32 or 64, for positive
//     numbers too;
//   - uint64: positive fixint, otherwise uint 8, 16, 32 or 64;
//   - floats keep their width, integral or not;
//   - string: fixstr, str 8, 16 or 32, whatever its bytes are;
//   - []byte: bin 8, 16 or 32;
//   - headers of lists and maps: the fix, 16 or 32 bit form.
//
// # What is read
//
// All forms are, the longer ones too. A reader takes what [TypeOf] names, and
// returns the value and what follows it in b. On error it returns b itself
// for that: [ErrShort] if b ends within the value (or claims a length that is
// not there), [ErrType] if the value is of another type. What it returns of b's
// bytes is not a copy.
package msgpack

import "errors"

var (
	// ErrShort tells that the input ends before the value does.
	ErrShort = errors.New("msgpack: ends too soon")

	// ErrType tells that a value of another type is there.
	ErrType = errors.New("msgpack: value of another type")
)

// Lead bytes of the forms. Those that hold a number themselves are the first
// of their range.
const (
	fixMap   = 0x80
	fixArray = 0x90
	fixStr   = 0xa0
	leadNil  = 0xc0
	unused   = 0xc1
	leadNo   = 0xc2
	leadYes  = 0xc3
	bin8     = 0xc4
	bin16    = 0xc5
	bin32    = 0xc6
	ext8     = 0xc7
	ext16    = 0xc8
	ext32    = 0xc9
	float32s = 0xca
	float64s = 0xcb
	uint8s   = 0xcc
	uint16s  = 0xcd
	uint32s  = 0xce
	uint64s  = 0xcf
	int8s    = 0xd0
	int16s   = 0xd1
	int32s   = 0xd2
	int64s   = 0xd3
	fixExt1  = 0xd4
	fixExt2  = 0xd5
	fixExt4  = 0xd6
	fixExt8  = 0xd7
	fixExt16 = 0xd8
	str8     = 0xd9
	str16    = 0xda
	str32    = 0xdb
	array16  = 0xdc
	array32  = 0xdd
	map16    = 0xde
	map32    = 0xdf
	fixMinus = 0xe0
)

// Type is what a value is, whichever of its type's forms it has.
type Type uint8

// The types. Which of Int and Uint an integer is follows from its form, not
// from its sign: a fixint is an Int.
const (
	Invalid   Type = iota // no input is left, or it begins with a byte that begins nothing
	Nil                   // has no reader: it is one byte
	Bool                  // ReadBool
	Int                   // ReadInt
	Uint                  // ReadUint
	Float                 // ReadFloat
	String                // ReadText
	Bytes                 // ReadText
	List                  // ReadListHeader
	Map                   // ReadMapHeader
	Extension             // ReadExtension
)

// types are those of the lead bytes from 0xc0 to 0xdf.
var types = [32]Type{
	leadNil - leadNil:  Nil,
	unused - leadNil:   Invalid,
	leadNo - leadNil:   Bool,
	leadYes - leadNil:  Bool,
	bin8 - leadNil:     Bytes,
	bin16 - leadNil:    Bytes,
	bin32 - leadNil:    Bytes,
	ext8 - leadNil:     Extension,
	ext16 - leadNil:    Extension,
	ext32 - leadNil:    Extension,
	float32s - leadNil: Float,
	float64s - leadNil: Float,
	uint8s - leadNil:   Uint,
	uint16s - leadNil:  Uint,
	uint32s - leadNil:  Uint,
	uint64s - leadNil:  Uint,
	int8s - leadNil:    Int,
	int16s - leadNil:   Int,
	int32s - leadNil:   Int,
	int64s - leadNil:   Int,
	fixExt1 - leadNil:  Extension,
	fixExt2 - leadNil:  Extension,
	fixExt4 - leadNil:  Extension,
	fixExt8 - leadNil:  Extension,
	fixExt16 - leadNil: Extension,
	str8 - leadNil:     String,
	str16 - leadNil:    String,
	str32 - leadNil:    String,
	array16 - leadNil:  List,
	array32 - leadNil:  List,
	map16 - leadNil:    Map,
	map32 - leadNil:    Map,
}

// TypeOf returns the type of the value at the beginning of b. That the value is
// there as a whole is not said.
func TypeOf(b []byte) Type {
	if len(b) == 0 {
		return Invalid
	}
	switch lead := b[0]; {
	case lead < fixMap || lead >= fixMinus:
		return Int
	case lead >= leadNil:
		return types[lead-leadNil]
	case lead >= fixStr:
		return String
	case lead >= fixArray:
		return List
	}
	return Map
}
