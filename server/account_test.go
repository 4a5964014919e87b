//go:build unix

package server

import (
	"context"
	"strings"
	"testing"
)

// TestAccountsHaveNames: getent finds users by number, too, and so it would find
// root by a name that no user has.
func TestAccountsHaveNames(t *testing.T) {
	for _, name := range []string{"0", "00", "+0", " 0", "-1", ""} {
		if a, err := findAccount(context.Background(), name); err == nil || !strings.Contains(err.Error(), "no user ") {
			t.Errorf("%q: got %+v, %v; want that there is no such user", name, a, err)
		}
	}
}
