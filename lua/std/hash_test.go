package std

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestHash(t *testing.T) {
	file := filepath.Join(t.TempDir(), "abc")
	if err := os.WriteFile(file, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := strconv.Quote(file)
	const sha256abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	runEvalTests(t, []evalTest{
		{"sha256", `return hash.sha256("abc")`, sha256abc},
		{"sha1", `return hash.sha1("abc")`, "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"md5", `return hash.md5("abc")`, "900150983cd24fb0d6963f7d28e17f72"},
		{"crc32", `return hash.crc32("123456789")`, "cbf43926"},
		{"sha512", `return hash.sha512("abc")`, "ddaf35a193617abacc417349ae204131..."},
		{"hmac", `return hash.hmac("sha256", "key", "The quick brown fox jumps over the lazy dog")`, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"},
		{"hmac of a checksum", `return hash.hmac("crc32", "key", "x")`, "bad argument #1 to hmac (crc32 keeps no secret)"},
		{"file", `return hash.file(` + path + `)`, sha256abc},
		{"file by another algorithm", `return hash.file(` + path + `, "md5")`, "900150983cd24fb0d6963f7d28e17f72"},
		{"file that is not there", `return hash.file("/no/such/file")`, "nil hash.file: stat /no/such/file: no such file or directory"},
		{"file that is none", `return hash.file("/")`, `nil hash.file: "/" is not a file`},
		{"unknown algorithm", `return hash.file("x", "sha265")`, `bad argument #2 to file (unknown algorithm "sha265" (did you mean "sha256"?))`},
		{"new", `local h = hash.new("md5"); h:update("a"):update("bc"); return h:hex(), h:hex()`, "900150983cd24fb0d6963f7d28e17f72 900150983cd24fb0d6963f7d28e17f72"},
		{"new is sha256", `return hash.new():update("abc"):hex()`, sha256abc},
		{"update with a dot", `hash.new().update(int64(1), "x")`, "bad argument #1 to update (hasher expected: call it as h:update(s))"},
		{"hex", `return hash.hex_encode("\0\255"), hash.hex_decode("4142")`, "00ff AB"},
		{"no hex", `return hash.hex_decode("4x")`, "nil hash.hex_decode: encoding/hex: invalid byte: U+0078 'x'"},
		{"base64", `return hash.base64_encode("\251\255a"), hash.base64_decode("YWJj\n")`, "+/9h abc"},
		{"base64 for a url", `return hash.base64_encode("\251\255", {url = true, padding = false}), #hash.base64_decode("-_8", {url = true, padding = false})`, "-_8 2"},
		{"no base64", `return hash.base64_decode("a!")`, "nil hash.base64_decode: illegal base64 data at input byte 1"},
		{"base64 option", `return hash.base64_encode("a", {pading = false})`, `bad argument #2 to base64_encode (unknown option "pading" (did you mean "padding"?))`},
	})
}

func TestHashFileIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := copyFile(ctx, nil, os.Args[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
