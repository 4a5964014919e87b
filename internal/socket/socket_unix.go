//go:build unix

package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// leastTry is what an address gets before the next one is tried, where
	// time is short.
	leastTry = 2 * time.Second

	// backlogPause is how long to wait when a Unix socket's queue is full, of
	// which the kernel does not tell when it is not any more.
	backlogPause = 10 * time.Millisecond
)

// conn is a connected socket. A file of the os package does for it all that is
// needed.
type conn struct{ *os.File }

// Read reads; see [io.Reader].
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.File.Read(p)
	return n, closed(err)
}

// Write writes; see [io.Writer].
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.File.Write(p)
	return n, closed(err)
}

// CloseWrite tells the peer that nothing more comes.
func (c *conn) CloseWrite() error {
	return c.control(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) })
}

// closed says of a closed connection what package net says.
func closed(err error) error {
	if errors.Is(err, fs.ErrClosed) {
		return net.ErrClosed
	}
	return err
}

func (c *conn) control(do func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return closed(err)
	}
	var doErr error
	if err := raw.Control(func(fd uintptr) { doErr = do(int(fd)) }); err != nil {
		return closed(err)
	}
	return doErr
}

// DialTCP connects to the first of the addresses that answers. Each gets its
// share of the time until ctx ends. The error is that of the first.
func DialTCP(ctx context.Context, addrs []netip.Addr, port int) (io.ReadWriteCloser, error) {
	var first error
	for i, addr := range addrs {
		c, err := dialShare(ctx, netip.AddrPortFrom(addr, uint16(port)), len(addrs)-i)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// dialShare connects within one of n shares of the time that is left.
func dialShare(ctx context.Context, to netip.AddrPort, n int) (io.ReadWriteCloser, error) {
	if deadline, ok := ctx.Deadline(); ok && n > 1 {
		share := max(time.Until(deadline)/time.Duration(n), leastTry)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, share)
		defer cancel()
	}
	family, address, err := sockaddr(to)
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, family, unix.SOCK_STREAM, address, to.String())
	if err != nil {
		return nil, err
	}
	c.control(func(fd int) error { // hints: without them it is slower, or lives longer
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	})
	return c, nil
}

// DialUnix connects to the Unix socket at path.
func DialUnix(ctx context.Context, path string) (io.ReadWriteCloser, error) {
	c, err := dial(ctx, unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: path}, path)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", path, err)
	}
	return c, nil
}

func sockaddr(to netip.AddrPort) (family int, address unix.Sockaddr, err error) {
	addr := to.Addr().Unmap()
	if addr.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(to.Port()), Addr: addr.As4()}, nil
	}
	zone, err := zoneID(addr.Zone())
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(to.Port()), ZoneId: zone, Addr: addr.As16()}, err
}

func zoneID(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n), nil
	}
	card, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, fmt.Errorf("no network interface %q", zone)
	}
	return uint32(card.Index), nil
}

// dial makes a socket and connects it. Its file bears the name that errors of
// reading and writing show.
func dial(ctx context.Context, family, kind int, address unix.Sockaddr, name string) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, late(err)
	}
	fd, err := newSocket(family, kind)
	if err != nil {
		return nil, fmt.Errorf("make a socket: %w", err)
	}
	err = connect(ctx, fd, address)
	c := &conn{os.NewFile(uintptr(fd), name)}
	if err == unix.EINPROGRESS || err == unix.EINTR {
		err = c.await(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// newSocket returns a socket that children do not inherit and the runtime polls.
func newSocket(family, kind int) (int, error) {
	syscall.ForkLock.RLock() // not every system can make it close-on-exec at once
	fd, err := unix.Socket(family, kind, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// connect begins to connect, once there is room in a Unix socket's queue.
func connect(ctx context.Context, fd int, address unix.Sockaddr) error {
	for {
		err := unix.Connect(fd, address)
		if err != unix.EAGAIN {
			return err
		}
		select {
		case <-ctx.Done():
			return late(ctx.Err())
		case <-time.After(backlogPause):
		}
	}
}

// await waits until the socket is connected.
func (c *conn) await(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { c.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = raw.Write(func(fd uintptr) (done bool) {
		done, failure = connected(int(fd))
		return done
	})
	if ctx.Err() != nil {
		return late(ctx.Err())
	}
	return errors.Join(err, failure)
}

// connected says whether the connecting is over, and how it ended.
func connected(fd int) (done bool, err error) {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	if n, err := unix.Poll(poll, 0); n == 0 || err == unix.EINTR {
		return false, nil
	}
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	return true, err
}

// late is why nothing came of it when ctx ended.
func late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	return err
}
