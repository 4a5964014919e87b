package msgpack

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
)

// vectors are values with their one encoding here, lengths aside.
var vectors = []struct {
	name string
	b    []byte // as appended
	typ  Type
	want string // in hex; of long ones the beginning
}{
	{"nil", AppendNil(nil), Nil, "c0"},
	{"false", AppendBool(nil, false), Bool, "c2"},
	{"true", AppendBool(nil, true), Bool, "c3"},

	{"0", AppendInt(nil, 0), Int, "00"},
	{"127", AppendInt(nil, 127), Int, "7f"},
	{"128", AppendInt(nil, 128), Int, "d10080"},
	{"32767", AppendInt(nil, math.MaxInt16), Int, "d17fff"},
	{"32768", AppendInt(nil, math.MaxInt16+1), Int, "d200008000"},
	{"2^31-1", AppendInt(nil, math.MaxInt32), Int, "d27fffffff"},
	{"2^31", AppendInt(nil, math.MaxInt32+1), Int, "d30000000080000000"},
	{"2^63-1", AppendInt(nil, math.MaxInt64), Int, "d37fffffffffffffff"},
	{"-1", AppendInt(nil, -1), Int, "ff"},
	{"-32", AppendInt(nil, -32), Int, "e0"},
	{"-33", AppendInt(nil, -33), Int, "d0df"},
	{"-128", AppendInt(nil, math.MinInt8), Int, "d080"},
	{"-129", AppendInt(nil, math.MinInt8-1), Int, "d1ff7f"},
	{"-32768", AppendInt(nil, math.MinInt16), Int, "d18000"},
	{"-32769", AppendInt(nil, math.MinInt16-1), Int, "d2ffff7fff"},
	{"-2^31", AppendInt(nil, math.MinInt32), Int, "d280000000"},
	{"-2^31-1", AppendInt(nil, math.MinInt32-1), Int, "d3ffffffff7fffffff"},
	{"-2^63", AppendInt(nil, math.MinInt64), Int, "d38000000000000000"},

	{"uint 127", AppendUint(nil, 127), Int, "7f"},
	{"uint 128", AppendUint(nil, 128), Uint, "cc80"},
	{"uint 255", AppendUint(nil, 255), Uint, "ccff"},
	{"uint 256", AppendUint(nil, 256), Uint, "cd0100"},
	{"uint 65535", AppendUint(nil, math.MaxUint16), Uint, "cdffff"},
	{"uint 65536", AppendUint(nil, math.MaxUint16+1), Uint, "ce00010000"},
	{"uint 2^32-1", AppendUint(nil, math.MaxUint32), Uint, "ceffffffff"},
	{"uint 2^32", AppendUint(nil, math.MaxUint32+1), Uint, "cf0000000100000000"},
	{"uint 2^64-1", AppendUint(nil, math.MaxUint64), Uint, "cfffffffffffffffff"},

	{"1.5", AppendFloat64(nil, 1.5), Float, "cb3ff8000000000000"},
	{"minus zero", AppendFloat64(nil, math.Copysign(0, -1)), Float, "cb8000000000000000"},
	{"infinity", AppendFloat64(nil, math.Inf(1)), Float, "cb7ff0000000000000"},
	{"1.5 of 32 bits", AppendFloat32(nil, 1.5), Float, "ca3fc00000"},

	{"no text", AppendString(nil, ""), String, "a0"},
	{"text", AppendString(nil, "a\xff"), String, "a261ff"},
	{"text of 31", AppendString(nil, text(31)), String, "bf78"},
	{"text of 32", AppendString(nil, text(32)), String, "d92078"},
	{"text of 255", AppendString(nil, text(255)), String, "d9ff78"},
	{"text of 256", AppendString(nil, text(256)), String, "da010078"},
	{"text of 65535", AppendString(nil, text(65535)), String, "daffff78"},
	{"text of 65536", AppendString(nil, text(65536)), String, "db0001000078"},

	{"no bytes", AppendBytes(nil, nil), Bytes, "c400"},
	{"bytes", AppendBytes(nil, []byte("ab")), Bytes, "c4026162"},
	{"bytes of 255", AppendBytes(nil, []byte(text(255))), Bytes, "c4ff78"},
	{"bytes of 256", AppendBytes(nil, []byte(text(256))), Bytes, "c5010078"},
	{"bytes of 65536", AppendBytes(nil, []byte(text(65536))), Bytes, "c60001000078"},

	{"list of 0", AppendListHeader(nil, 0), List, "90"},
	{"list of 15", AppendListHeader(nil, 15), List, "9f"},
	{"list of 16", AppendListHeader(nil, 16), List, "dc0010"},
	{"list of 65535", AppendListHeader(nil, 65535), List, "dcffff"},
	{"list of 65536", AppendListHeader(nil, 65536), List, "dd00010000"},
	{"map of 0", AppendMapHeader(nil, 0), Map, "80"},
	{"map of 15", AppendMapHeader(nil, 15), Map, "8f"},
	{"map of 16", AppendMapHeader(nil, 16), Map, "de0010"},
	{"map of 65536", AppendMapHeader(nil, 65536), Map, "df00010000"},

	{"extension of 0", AppendExtension(nil, 5, nil), Extension, "c70005"},
	{"extension of 1", AppendExtension(nil, 5, []byte{1}), Extension, "d40501"},
	{"extension of 2", AppendExtension(nil, 5, []byte{1, 2}), Extension, "d5050102"},
	{"extension of 3", AppendExtension(nil, 5, []byte{1, 2, 3}), Extension, "c70305010203"},
	{"extension of 4", AppendExtension(nil, -1, []byte{1, 2, 3, 4}), Extension, "d6ff01020304"},
	{"extension of 8", AppendExtension(nil, 5, make([]byte, 8)), Extension, "d7050000000000000000"},
	{"extension of 16", AppendExtension(nil, 5, make([]byte, 16)), Extension, "d80500000000"},
	{"extension of 256", AppendExtension(nil, 5, make([]byte, 256)), Extension, "c801000500"},
	{"extension of 65536", AppendExtension(nil, 5, make([]byte, 65536)), Extension, "c9000100000500"},
}

func text(n int) string { return strings.Repeat("x", n) }

func TestAppend(t *testing.T) {
	for _, tt := range vectors {
		t.Run(tt.name, func(t *testing.T) {
			got := hex.EncodeToString(tt.b)
			if got != tt.want && !(len(tt.b) > 16 && strings.HasPrefix(got, tt.want)) {
				t.Errorf("got %.40s, want %s", got, tt.want)
			}
			if typ := TypeOf(tt.b); typ != tt.typ {
				t.Errorf("got type %d, want %d", typ, tt.typ)
			}
		})
	}
}

// TestReadBack reads what was appended and appends it again.
func TestReadBack(t *testing.T) {
	for _, tt := range vectors {
		t.Run(tt.name, func(t *testing.T) {
			again, rest, err := copied(append(bytes.Clone(tt.b), 0xc1))
			if err != nil || len(rest) != 1 {
				t.Fatalf("got %d bytes left, error %v; want 1, nil", len(rest), err)
			}
			if !bytes.Equal(again, tt.b) {
				t.Errorf("got %.40x, want %.40x", again, tt.b)
			}
		})
	}
}

// TestReadShort cuts every vector off at every place.
func TestReadShort(t *testing.T) {
	for _, tt := range vectors {
		for n := range min(len(tt.b), 300) {
			b := bytes.Clone(tt.b[:n])
			if _, rest, err := copied(b); !errors.Is(err, ErrShort) || len(rest) != n {
				t.Errorf("%s cut off at %d: got %d bytes left, error %v; want %d, %v", tt.name, n, len(rest), err, n, ErrShort)
			}
		}
	}
}

// readers are all readers, their values left out.
var readers = []struct {
	name  string
	types []Type
	read  func(b []byte) ([]byte, error)
}{
	{"ReadBool", []Type{Bool}, func(b []byte) ([]byte, error) { _, r, err := ReadBool(b); return r, err }},
	{"ReadInt", []Type{Int}, func(b []byte) ([]byte, error) { _, r, err := ReadInt(b); return r, err }},
	{"ReadUint", []Type{Uint}, func(b []byte) ([]byte, error) { _, r, err := ReadUint(b); return r, err }},
	{"ReadFloat", []Type{Float}, func(b []byte) ([]byte, error) { _, r, err := ReadFloat(b); return r, err }},
	{"ReadText", []Type{String, Bytes}, func(b []byte) ([]byte, error) { _, r, err := ReadText(b); return r, err }},
	{"ReadListHeader", []Type{List}, func(b []byte) ([]byte, error) { _, r, err := ReadListHeader(b); return r, err }},
	{"ReadMapHeader", []Type{Map}, func(b []byte) ([]byte, error) { _, r, err := ReadMapHeader(b); return r, err }},
	{"ReadExtension", []Type{Extension}, func(b []byte) ([]byte, error) { _, _, r, err := ReadExtension(b); return r, err }},
}

// TestReadType gives every reader every lead byte, with and without what may
// follow.
func TestReadType(t *testing.T) {
	for _, tt := range readers {
		for lead := range 256 {
			b := append([]byte{byte(lead)}, make([]byte, 16)...)
			checkReader(t, tt.name, tt.types, tt.read, b)
			checkReader(t, tt.name, tt.types, tt.read, b[:1])
		}
		if _, err := tt.read(nil); !errors.Is(err, ErrShort) {
			t.Errorf("%s of nothing: got error %v, want %v", tt.name, err, ErrShort)
		}
	}
}

func checkReader(t *testing.T, name string, types []Type, read func([]byte) ([]byte, error), b []byte) {
	t.Helper()
	rest, err := read(b)
	wanted := bytes.Contains(asBytes(types), asBytes([]Type{TypeOf(b)}))
	switch {
	case !wanted && !errors.Is(err, ErrType):
		t.Errorf("%s of %x: got error %v, want %v", name, b, err, ErrType)
	case wanted && err != nil && !errors.Is(err, ErrShort):
		t.Errorf("%s of %x: got error %v, want none or %v", name, b, err, ErrShort)
	case err != nil && len(rest) != len(b), err == nil && len(rest) >= len(b):
		t.Errorf("%s of %x: got %d bytes left, error %v", name, b, len(rest), err)
	}
}

func asBytes(types []Type) []byte {
	b := make([]byte, len(types))
	for i, t := range types {
		b[i] = byte(t)
	}
	return b
}

// TestHugeLengths reads lengths which an int of 32 bits does not hold.
func TestHugeLengths(t *testing.T) {
	for _, lead := range []byte{bin32, str32, ext32} {
		for _, size := range []byte{0x7f, 0x80, 0xff} {
			b := []byte{lead, size, 0xff, 0xff, 0xff, 1, 2, 3}
			if _, rest, err := copied(b); !errors.Is(err, ErrShort) || len(rest) != len(b) {
				t.Errorf("%x: got %d bytes left, error %v; want %d, %v", b, len(rest), err, len(b), ErrShort)
			}
		}
	}
	n, rest, err := ReadListHeader([]byte{array32, 0xff, 0xff, 0xff, 0xff})
	if n != math.MaxUint32 || len(rest) != 0 || err != nil {
		t.Errorf("list of %d, %x, %v; want %d", n, rest, err, uint32(math.MaxUint32))
	}
}

// TestLongForms reads forms which are longer than need be.
func TestLongForms(t *testing.T) {
	for _, wire := range []string{"d001", "d10001", "d200000001", "d30000000000000001"} {
		b, _ := hex.DecodeString(wire)
		if n, rest, err := ReadInt(b); n != 1 || len(rest) != 0 || err != nil {
			t.Errorf("ReadInt(%s) = %d, %x, %v; want 1", wire, n, rest, err)
		}
	}
	for _, wire := range []string{"d90161", "da000161", "db0000000161", "c40161", "c5000161", "c60000000161"} {
		b, _ := hex.DecodeString(wire)
		if s, rest, err := ReadText(b); string(s) != "a" || len(rest) != 0 || err != nil {
			t.Errorf("ReadText(%s) = %q, %x, %v; want a", wire, s, rest, err)
		}
	}
	for _, wire := range []string{"de0001", "df00000001"} {
		b, _ := hex.DecodeString(wire)
		if n, rest, err := ReadMapHeader(b); n != 1 || len(rest) != 0 || err != nil {
			t.Errorf("ReadMapHeader(%s) = %d, %x, %v; want 1", wire, n, rest, err)
		}
	}
}

// copied reads the value, or header, at the beginning of b, and appends it to
// nothing.
func copied(b []byte) (out, rest []byte, err error) {
	switch typ := TypeOf(b); typ {
	case Nil:
		return AppendNil(nil), b[1:], nil
	case Bool:
		v, rest, err := ReadBool(b)
		return AppendBool(nil, v), rest, err
	case Int:
		n, rest, err := ReadInt(b)
		return AppendInt(nil, n), rest, err
	case Uint:
		n, rest, err := ReadUint(b)
		return AppendUint(nil, n), rest, err
	case Float:
		f, rest, err := ReadFloat(b)
		if b[0] == float32s {
			return AppendFloat32(nil, float32(f)), rest, err
		}
		return AppendFloat64(nil, f), rest, err
	case String, Bytes:
		s, rest, err := ReadText(b)
		if typ == Bytes {
			return AppendBytes(nil, s), rest, err
		}
		return AppendString(nil, string(s)), rest, err
	case List:
		n, rest, err := ReadListHeader(b)
		return AppendListHeader(nil, n), rest, err
	case Map:
		n, rest, err := ReadMapHeader(b)
		return AppendMapHeader(nil, n), rest, err
	case Extension:
		typ, data, rest, err := ReadExtension(b)
		return AppendExtension(nil, typ, data), rest, err
	}
	if len(b) == 0 {
		return nil, b, ErrShort
	}
	return nil, b, ErrType
}

// FuzzRead reads values, one behind the other, with every reader.
func FuzzRead(f *testing.F) {
	for _, tt := range vectors {
		f.Add(tt.b[:min(len(tt.b), 300)])
	}
	f.Add([]byte{str32, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			for _, r := range readers {
				checkReader(t, r.name, r.types, r.read, b)
			}
			out, rest, err := copied(b)
			if err != nil {
				return
			}
			checkShortest(t, out, b[:len(b)-len(rest)])
			b = rest
		}
	})
}

// checkShortest checks that what was appended means what was read.
func checkShortest(t *testing.T, out, in []byte) {
	t.Helper()
	again, rest, err := copied(out)
	switch {
	case err != nil || len(rest) > 0 || !bytes.Equal(again, out):
		t.Errorf("%.40x became %.40x, and that %.40x, %d bytes left, error %v", in, out, again, len(rest), err)
	case len(out) > len(in):
		t.Errorf("%.40x became longer: %.40x", in, out)
	}
}
