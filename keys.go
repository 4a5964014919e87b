package luagw

import (
	"encoding/binary"
	"sync/atomic"
)

const (
	// keySlots is how many keys of maps a connection remembers.
	keySlots = 256

	// longKey is the length from which keys are not remembered.
	longKey = 32
)

// keyTable remembers keys of maps that came on a connection: records have the
// same ones again and again, and a string made for each takes a tenth of the
// time of decoding them. It may be used concurrently.
type keyTable [keySlots]atomic.Pointer[string]

// string is string(key), mostly without making one. What a slot holds is
// forgotten for another key of the same slot.
func (t *keyTable) string(key []byte) string {
	if len(key) >= longKey {
		return string(key)
	}
	slot := &t[keySlot(key)]
	if known := slot.Load(); known != nil && *known == string(key) {
		return *known
	}
	made := string(key)
	slot.Store(&made)
	return made
}

// keySlot is the place of a key, by its length and its first and last bytes
// (multiplicative hashing; Knuth, The Art of Computer Programming 3, 6.4).
func keySlot(key []byte) uint64 {
	hash := uint64(len(key))
	switch n := len(key); {
	case n >= 8:
		hash ^= binary.LittleEndian.Uint64(key) ^ binary.LittleEndian.Uint64(key[n-8:])<<1
	case n >= 4:
		hash ^= uint64(binary.LittleEndian.Uint32(key))<<32 ^ uint64(binary.LittleEndian.Uint32(key[n-4:]))<<4
	default:
		for _, c := range key {
			hash = hash<<8 ^ uint64(c)
		}
	}
	return hash * 0x9e3779b97f4a7c15 >> 56 % keySlots
}
