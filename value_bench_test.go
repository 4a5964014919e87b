package luagw

import (
	"fmt"
	"testing"
)

// wide is a record of 20 fields, such as a facts module would send.
type wide struct {
	Hostname, OS, Arch, Kernel, User, Dir  string
	PID, CPUs, Memory, Swap, Uptime, Users int
	Load1, Load5, Load15                   float64
	Virtual, Container, Root               bool
	Addrs                                  []string
	Note                                   any
}

func wideStruct() wide {
	return wide{
		Hostname: "web1.example.org", OS: "linux", Arch: "amd64", Kernel: "6.1.0-18-amd64", User: "root", Dir: "/root",
		PID: 4711, CPUs: 2, Memory: 8 << 20, Uptime: 1234567, Users: 3, Load1: 0.1, Load5: 0.25, Load15: 1.5,
		Virtual: true, Root: true, Addrs: []string{"10.0.0.1", "::1"},
	}
}

func wideMap(b *testing.B) map[string]any {
	item, err := Marshal(wideStruct())
	if err != nil {
		b.Fatal(err)
	}
	v, err := Unmarshal(item)
	if err != nil {
		b.Fatal(err)
	}
	return v.(map[string]any)
}

func BenchmarkMarshalRecord(b *testing.B) {
	for _, v := range []any{wideMap(b), wideStruct()} {
		b.Run(fmt.Sprintf("%T", v), func(b *testing.B) {
			b.ReportAllocs()
			var buf []byte
			for b.Loop() {
				var err error
				if buf, err = appendValue(buf[:0], v, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkUnmarshalRecord(b *testing.B) {
	item, err := Marshal(wideStruct())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Unmarshal(item); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("struct", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var w wide
			if err := decodeInto(item, nil, &w); err != nil {
				b.Fatal(err)
			}
		}
	})
}
