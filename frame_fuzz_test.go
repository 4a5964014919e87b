package luagw

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func frameOf(t testing.TB, k kind, payload string) []byte {
	t.Helper()
	b, err := endFrame(append(beginFrame(nil, k), payload...), 0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Behaviours 78, 79 and 81: frames of all kinds pass, however they are cut.
func TestFramesPassInPieces(t *testing.T) {
	kinds := []kind{kindItem, kindEnd, kindClose, kindError, kindExec, kindChannel, kindDial, kindStatus, kindControl, kindModule, kindReady, kindCancel, kindPrint}
	var wire []byte
	for i, k := range kinds {
		wire = append(wire, frameOf(t, k, string(bytes.Repeat([]byte{byte(i)}, i*1000)))...)
	}
	for name, r := range map[string]io.Reader{
		"whole":             bytes.NewReader(wire),
		"one byte a time":   iotest.OneByteReader(bytes.NewReader(wire)),
		"data with its end": iotest.DataErrReader(bytes.NewReader(wire)),
	} {
		fr := newFrameReader(r)
		for i, want := range kinds {
			k, payload, err := fr.next()
			if err != nil || k != want || len(payload) != i*1000 || bytes.Count(payload, []byte{byte(i)}) != len(payload) {
				t.Fatalf("%s: frame %d = %d, %d bytes, %v", name, i, k, len(payload), err)
			}
		}
		if _, _, err := fr.next(); err != io.EOF {
			t.Errorf("%s: after the last = %v, want io.EOF", name, err)
		}
	}
}

// FuzzFrame checks that any bytes are frames, or one of four errors, and that
// the frames are those bytes.
func FuzzFrame(f *testing.F) {
	f.Add(frameOf(f, kindItem, "x"), true)
	f.Add(append(frameOf(f, kindItem, "x"), frameOf(f, kindEnd, "")...), false)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1}, false)
	f.Add([]byte{0, 0, 0, 9, 1, 'x'}, true)
	f.Add([]byte{3, 0xff, 0xff, 0xff, 1, 'x'}, false)
	f.Fuzz(func(t *testing.T, wire []byte, slowly bool) {
		var r io.Reader = bytes.NewReader(wire)
		if slowly {
			r = iotest.OneByteReader(r)
		}
		fr := newFrameReader(r)
		var again []byte
		for {
			k, payload, err := fr.next()
			if err != nil {
				if err != io.EOF && err != io.ErrUnexpectedEOF && !errors.Is(err, errFrameSize) {
					t.Fatalf("error %v", err)
				}
				break
			}
			again = append(again, frameOf(t, k, string(payload))...)
		}
		if !bytes.HasPrefix(wire, again) {
			t.Fatalf("%x gave the frames %x", wire, again)
		}
		if cap(fr.buf) > 2*len(wire)+2*trust {
			t.Fatalf("%d bytes made a buffer of %d", len(wire), cap(fr.buf))
		}
	})
}
