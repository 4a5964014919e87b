package socket

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
)

// DialTCP connects to the first of the addresses that answers, before ctx ends.
// The error is that of the first.
func DialTCP(ctx context.Context, addrs []netip.Addr, port int) (io.ReadWriteCloser, error) {
	var dialer net.Dialer
	var first error
	for _, addr := range addrs {
		c, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), strconv.Itoa(port)))
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// DialUnix connects to the Unix socket at path.
func DialUnix(ctx context.Context, path string) (io.ReadWriteCloser, error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", path, err)
	}
	return c, nil
}

// Lookup finds the addresses of a host, by its name or address.
func Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("host %q: %w", host, err)
	}
	return addrs, nil
}
