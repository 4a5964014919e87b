package std

import (
	"context"
	"errors"
	"strings"
	"syscall"

	glua "github.com/yuin/gopher-lua"
)

// failErrno reports err as the functions of io and os do: nil, a message in
// the words of C's strerror, and the system's number of the error. The message
// begins with path if there is one. If the fragment was cancelled it raises.
func failErrno(L *glua.LState, path string, err error) int {
	raiseCancelled(L)
	L.Push(glua.LNil)
	L.Push(glua.LString(withPath(path, err)))
	L.Push(glua.LNumber(errnoOf(err)))
	return 3
}

// raiseCancelled raises if the fragment was cancelled: what failed then did so
// for this.
func raiseCancelled(L *glua.LState) {
	if ctx := Of(L).Context(); ctx.Err() != nil {
		L.RaiseError("%v", context.Cause(ctx))
	}
}

// pushOutcome pushes true, or what went wrong: with the file at path, if there is
// one to name.
func pushOutcome(L *glua.LState, path string, err error) int {
	if err != nil {
		return failErrno(L, path, err)
	}
	L.Push(glua.LTrue)
	return 1
}

func withPath(path string, err error) string {
	if path == "" {
		return strerror(err)
	}
	return path + ": " + strerror(err)
}

// strerror is what C says of err: Go's text, with a capital.
func strerror(err error) string {
	text := err.Error()
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		text = errno.Error()
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// errnoOf is the system's number of err, that of an input/output error if it
// comes from elsewhere.
func errnoOf(err error) syscall.Errno {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return syscall.EIO
}
