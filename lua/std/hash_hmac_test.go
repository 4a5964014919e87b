package std

import (
	"bytes"
	stdhmac "crypto/hmac"
	"strings"
	"testing"
)

// TestHMAC compares with crypto/hmac, at the sizes of keys where it matters.
func TestHMAC(t *testing.T) {
	for _, algorithm := range []string{"md5", "sha1", "sha256", "sha512"} {
		newHash, _ := hashAlgorithms.get(algorithm)
		for _, size := range []int{0, 1, 63, 64, 65, 127, 128, 129, 1000} {
			key := []byte(strings.Repeat("k", size))
			want := stdhmac.New(newHash, key)
			want.Write([]byte("message"))
			if got := hmac(newHash, key, "message").Sum(nil); !bytes.Equal(got, want.Sum(nil)) {
				t.Errorf("%s, key of %d bytes: got %x, want %x", algorithm, size, got, want.Sum(nil))
			}
		}
	}
}
