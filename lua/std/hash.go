package std

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"

	"github.com/luagw/luagw/internal/allow"
	glua "github.com/yuin/gopher-lua"
)

// hashAlgorithms are the names that hash.new, hash.file and hash.hmac take.
var hashAlgorithms = entries[string, func() hash.Hash]{
	{"crc32", func() hash.Hash { return crc32.NewIEEE() }},
	{"md5", md5.New},
	{"sha1", sha1.New},
	{"sha256", sha256.New},
	{"sha512", sha512.New},
}

const hasherType = "luagw.hasher"

func hashLibrary() Library {
	return Library{
		Name: "hash",
		Funcs: map[string]glua.LGFunction{
			"crc32":         hashString("crc32"),
			"md5":           hashString("md5"),
			"sha1":          hashString("sha1"),
			"sha256":        hashString("sha256"),
			"sha512":        hashString("sha512"),
			"hmac":          hashHMAC,
			"file":          hashFile,
			"new":           hashNew,
			"hex_encode":    hashHexEncode,
			"hex_decode":    hashHexDecode,
			"base64_encode": hashBase64Encode,
			"base64_decode": hashBase64Decode,
		},
	}
}

func hashString(algorithm string) glua.LGFunction {
	newHash, _ := hashAlgorithms.get(algorithm)
	return func(L *glua.LState) int {
		h := newHash()
		io.WriteString(h, L.CheckString(1))
		return pushHex(L, h)
	}
}

func pushHex(L *glua.LState, h hash.Hash) int {
	L.Push(glua.LString(hex.EncodeToString(h.Sum(nil))))
	return 1
}

// checkAlgorithm returns what makes the hash named at argument arg.
func checkAlgorithm(L *glua.LState, arg int, missing string) func() hash.Hash {
	name := missing
	if missing == "" || L.Get(arg) != glua.LNil {
		name = L.CheckString(arg)
	}
	newHash, ok := hashAlgorithms.get(name)
	if !ok {
		L.ArgError(arg, unknownName("algorithm", name, hashAlgorithms.keys()))
	}
	return newHash
}

func hashHMAC(L *glua.LState) int {
	newHash := checkAlgorithm(L, 1, "")
	if newHash().Size() == crc32.Size {
		L.ArgError(1, "crc32 keeps no secret")
	}
	return pushHex(L, hmac(newHash, []byte(L.CheckString(2)), L.CheckString(3)))
}

// hashFile is hash.file(path, algorithm).
func hashFile(L *glua.LState) int {
	path := L.CheckString(1)
	h := checkAlgorithm(L, 2, "sha256")()
	ctx := Of(L).Context()
	err := copyFile(ctx, h, path)
	if ctx.Err() != nil {
		L.RaiseError("hash.file: %s", context.Cause(ctx).Error())
	}
	if err != nil {
		return fail(L, fmt.Errorf("hash.file: %w", err))
	}
	return pushHex(L, h)
}

// copyFile writes a file's content to w until ctx ends. It refuses what is not
// a file: to open a pipe could block for good.
func copyFile(ctx context.Context, w io.Writer, path string) error {
	if err := permitted(allow.Read, path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode(); !mode.IsRegular() && mode.Type() != os.ModeDevice {
		return fmt.Errorf("%q is not a file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	buf := make([]byte, 128<<10)
	for ctx.Err() == nil {
		n, err := file.Read(buf)
		w.Write(buf[:n])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// hashNew is hash.new(algorithm): a hash which is fed bit by bit.
func hashNew(L *glua.LState) int {
	h := checkAlgorithm(L, 1, "sha256")()
	L.Push(&glua.LUserData{Value: h, Metatable: typeMetatable(L, hasherType, setUpHasher)})
	return 1
}

func setUpHasher(L *glua.LState, mt *glua.LTable) {
	mt.RawSetString("__index", L.SetFuncs(L.NewTable(), map[string]glua.LGFunction{
		"update": hasherUpdate,
		"hex":    hasherHex,
	}))
	mt.RawSetString("__metatable", glua.LString("hasher"))
}

func checkHasher(L *glua.LState) hash.Hash {
	h, ok := L.CheckUserData(1).Value.(hash.Hash)
	if !ok {
		L.ArgError(1, "hasher expected: call it as h:update(s)")
	}
	return h
}

// hasherUpdate is h:update(s). It returns h, for chains.
func hasherUpdate(L *glua.LState) int {
	h := checkHasher(L)
	io.WriteString(h, L.CheckString(2))
	L.Push(L.Get(1))
	return 1
}

// hasherHex is h:hex(). The hash may be fed further.
func hasherHex(L *glua.LState) int { return pushHex(L, checkHasher(L)) }

func hashHexEncode(L *glua.LState) int {
	L.Push(glua.LString(hex.EncodeToString([]byte(L.CheckString(1)))))
	return 1
}

func hashHexDecode(L *glua.LState) int {
	b, err := hex.DecodeString(L.CheckString(1))
	return pushDecoded(L, "hash.hex_decode", b, err)
}

func pushDecoded(L *glua.LState, operation string, b []byte, err error) int {
	if err != nil {
		return fail(L, fmt.Errorf("%s: %w", operation, err))
	}
	L.Push(glua.LString(b))
	return 1
}

// base64Arguments reads the text and which of the alphabets is wanted.
func base64Arguments(L *glua.LState) (s string, encoding *base64.Encoding) {
	o := checkOptions(L, 2, "url", "padding")
	encoding = base64.StdEncoding
	if o.bool("url", false) {
		encoding = base64.URLEncoding
	}
	if !o.bool("padding", true) {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	return L.CheckString(1), encoding
}

func hashBase64Encode(L *glua.LState) int {
	s, encoding := base64Arguments(L)
	L.Push(glua.LString(encoding.EncodeToString([]byte(s))))
	return 1
}

// hashBase64Decode skips line breaks, as MIME and PEM have them.
func hashBase64Decode(L *glua.LState) int {
	s, encoding := base64Arguments(L)
	b, err := encoding.DecodeString(s)
	return pushDecoded(L, "hash.base64_decode", b, err)
}
