package msgpack

import "testing"

func BenchmarkAppendInt(b *testing.B) {
	buf := make([]byte, 0, 64)
	for b.Loop() {
		for _, n := range [...]int64{1, -5, 300, 70000, 1 << 40} {
			buf = AppendInt(buf[:0], n)
		}
	}
}

func BenchmarkAppendString(b *testing.B) {
	buf := make([]byte, 0, 64)
	for b.Loop() {
		for _, s := range [...]string{"", "key", "a sentence of forty bytes, more or less"} {
			buf = AppendString(buf[:0], s)
		}
	}
}

func BenchmarkAppendFloat(b *testing.B) {
	buf := make([]byte, 0, 64)
	for b.Loop() {
		buf = AppendFloat64(buf[:0], 1.5)
	}
}

// record is a list of 64 entries, each a text, an integer and a float.
func record() (b []byte) {
	for i := range int64(64) {
		b = AppendString(b, "some key")
		b = AppendInt(b, i*i*i)
		b = AppendFloat64(b, 1.5)
	}
	return b
}

func BenchmarkRead(b *testing.B) {
	in := record()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		for rest := in; len(rest) > 0; {
			var err error
			switch TypeOf(rest) {
			case String:
				_, rest, err = ReadText(rest)
			case Int:
				_, rest, err = ReadInt(rest)
			case Float:
				_, rest, err = ReadFloat(rest)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
