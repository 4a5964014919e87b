package luagw

import "sync/atomic"

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
// forgotten for another key of the same hash (FNV-1a).
func (t *keyTable) string(key []byte) string {
	if len(key) >= longKey {
		return string(key)
	}
	hash := uint32(2166136261)
	for _, c := range key {
		hash = (hash ^ uint32(c)) * 16777619
	}
	slot := &t[(hash^hash>>16)%keySlots]
	if known := slot.Load(); known != nil && *known == string(key) {
		return *known
	}
	made := string(key)
	slot.Store(&made)
	return made
}
