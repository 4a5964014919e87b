package std

import (
	"hash"
	"io"
)

// hmac returns the hash whose sum is the HMAC of message, as in RFC 2104. To
// use crypto/hmac would add 16 KB to agents.
func hmac(newHash func() hash.Hash, key []byte, message string) hash.Hash {
	inner, outer := newHash(), newHash()
	if len(key) > outer.BlockSize() {
		outer.Write(key)
		key = outer.Sum(nil)
		outer.Reset()
	}
	pad := make([]byte, outer.BlockSize())
	copy(pad, key)
	for i := range pad {
		pad[i] ^= 0x36
	}
	inner.Write(pad)
	io.WriteString(inner, message)
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5c
	}
	outer.Write(pad)
	outer.Write(inner.Sum(nil))
	return outer
}
