//go:build unix

package socket

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// backlog is how many connections wait to be accepted.
const backlog = 16

// Listener accepts connections. Accept is for one goroutine; Close may be called
// at any time.
type Listener struct {
	file *os.File
	path string // of a Unix socket, removed by Close
}

// ListenTCP listens at an address; port 0 is one that is free.
func ListenTCP(at netip.AddrPort) (*Listener, error) {
	family, address, err := sockaddr(at)
	if err != nil {
		return nil, err
	}
	return listenAt(family, address, at.String(), 0)
}

// ListenUnix listens at a path, at which there must be nothing, with a socket of
// this mode. (On systems other than Linux it gets the mode a moment after.)
func ListenUnix(path string, mode os.FileMode) (*Listener, error) {
	l, err := listenAt(unix.AF_UNIX, &unix.SockaddrUnix{Name: path}, path, mode)
	if err != nil {
		return nil, err
	}
	l.path = path
	if err := os.Chmod(path, mode); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func listenAt(family int, address unix.Sockaddr, name string, mode os.FileMode) (*Listener, error) {
	fd, err := newSocket(family, unix.SOCK_STREAM)
	if err != nil {
		return nil, fmt.Errorf("make a socket: %w", err)
	}
	if family == unix.AF_UNIX {
		unix.Fchmod(fd, uint32(mode.Perm())) // before it can be seen
	} else {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	err = unix.Bind(fd, address)
	if err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen at %s: %w", name, err)
	}
	return &Listener{file: os.NewFile(uintptr(fd), name)}, nil
}

// Port is the port that a TCP listener has.
func (l *Listener) Port() (port int, err error) {
	var address unix.Sockaddr
	c := conn{l.file}
	err = c.control(func(fd int) (err error) {
		address, err = unix.Getsockname(fd)
		return err
	})
	switch a := address.(type) {
	case *unix.SockaddrInet4:
		port = a.Port
	case *unix.SockaddrInet6:
		port = a.Port
	}
	return port, err
}

// Accept waits for a connection, until Close. The file is one that the runtime
// polls and that children do not inherit.
func (l *Listener) Accept() (*os.File, error) {
	raw, err := l.file.SyscallConn()
	if err != nil {
		return nil, closed(err)
	}
	fd := -1
	var acceptErr error
	err = raw.Read(func(listener uintptr) bool {
		fd, acceptErr = acceptOne(int(listener))
		return acceptErr != unix.EAGAIN
	})
	if err != nil {
		return nil, closed(err)
	}
	if acceptErr != nil {
		return nil, fmt.Errorf("accept: %w", acceptErr)
	}
	if l.path == "" {
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // a hint
	}
	return os.NewFile(uintptr(fd), l.file.Name()), nil
}

func acceptOne(listener int) (int, error) {
	syscall.ForkLock.RLock() // see newSocket
	fd, _, err := unix.Accept(listener)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	switch {
	case err == unix.EINTR || err == unix.ECONNABORTED:
		return -1, unix.EAGAIN
	case err != nil:
		return -1, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Close ends listening. It removes the path of a Unix socket.
func (l *Listener) Close() error {
	err := l.file.Close()
	if l.path != "" {
		err = errors.Join(err, os.Remove(l.path))
	}
	return err
}
