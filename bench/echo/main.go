// Echo is the bare child process that the bench measures luagw against: no
// protocol, no Lua, nothing but a pipe each way. It imports as little as it
// can, for its start is measured too.
//
// Without arguments it sends back whatever comes in. As "echo write" it reads a
// count of four bytes, most significant first, writes as many pieces of 1 MiB,
// and begins again; as "echo read" it reads as many, and then writes one byte.
package main

import "os"

// piece is the size of what is written and read at once.
const piece = 1 << 20

func main() {
	switch {
	case len(os.Args) < 2:
		echo()
	case os.Args[1] == "write":
		write(make([]byte, piece))
	case os.Args[1] == "read":
		read(make([]byte, piece))
	}
}

func echo() {
	var buf [512]byte
	for {
		n, err := os.Stdin.Read(buf[:])
		if err != nil {
			return
		}
		if _, err := os.Stdout.Write(buf[:n]); err != nil {
			return
		}
	}
}

func write(buf []byte) {
	for n, ok := count(); ok; n, ok = count() {
		for range n {
			if _, err := os.Stdout.Write(buf); err != nil {
				return
			}
		}
	}
}

func read(buf []byte) {
	for n, ok := count(); ok; n, ok = count() {
		for left := n * piece; left > 0; {
			got, err := os.Stdin.Read(buf[:min(left, piece)])
			if err != nil {
				return
			}
			left -= got
		}
		os.Stdout.Write([]byte{1})
	}
}

// count reads how many pieces are wanted; false at the end of the input.
func count() (int, bool) {
	var b [4]byte
	for have := 0; have < len(b); {
		n, err := os.Stdin.Read(b[have:])
		if err != nil {
			return 0, false
		}
		have += n
	}
	return int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3]), true
}
