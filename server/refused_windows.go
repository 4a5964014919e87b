package server

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isRefused says whether nobody listens on a socket.
func isRefused(err error) bool { return errors.Is(err, windows.WSAECONNREFUSED) }
