//go:build unix

package server

import (
	"errors"
	"syscall"
)

// isRefused says whether nobody listens on a socket.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
