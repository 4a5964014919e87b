//go:build !linux

package child

import "os"

func newPipe(end) (r, w *os.File, err error) { return os.Pipe() }

// newSocketPipe returns a pipe: sockets here hold less than that.
func newSocketPipe(end) (r, w *os.File, err error) { return os.Pipe() }
