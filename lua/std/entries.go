package std

// entries is a map that is there when the program starts, and that costs the
// start of an agent nothing. It is for few keys: they are looked up in turn.
type entries[K comparable, V any] []entry[K, V]

type entry[K comparable, V any] struct {
	key   K
	value V
}

func (e entries[K, V]) get(key K) (value V, ok bool) {
	for i := range e {
		if e[i].key == key {
			return e[i].value, true
		}
	}
	return value, false
}

func (e entries[K, V]) keys() []K {
	keys := make([]K, len(e))
	for i := range e {
		keys[i] = e[i].key
	}
	return keys
}
