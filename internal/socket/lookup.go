//go:build unix

package socket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
)

const (
	hostsFile  = "/etc/hosts"
	resolvFile = "/etc/resolv.conf"

	// maxConfig is how much is read of either.
	maxConfig = 1 << 20
)

// errNoName says that a name has no address.
var errNoName = errors.New("no such host")

// Lookup finds the addresses of a host: its own if it is an address; what
// /etc/hosts says; what the name servers of /etc/resolv.conf say, with its
// search list. Those of IPv4 come first. ctx bounds it.
func Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return (&resolver{hostsFile, resolvFile}).lookup(ctx, host)
}

// resolver finds addresses by two files.
type resolver struct{ hosts, resolv string }

func (r *resolver) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	if addrs := r.inHosts(host); len(addrs) > 0 {
		return addrs, nil
	}
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	addrs, err := readDNSConfig(r.resolv).lookup(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("host %q: %w", host, err)
	}
	return addrs, nil
}

// inHosts finds what the file of hosts says.
func (r *resolver) inHosts(host string) (addrs []netip.Addr) {
	host = strings.TrimSuffix(host, ".")
	eachLine(r.hosts, func(fields []string) {
		addr, err := netip.ParseAddr(fields[0])
		if err != nil {
			return
		}
		for _, name := range fields[1:] {
			if strings.EqualFold(strings.TrimSuffix(name, "."), host) {
				addrs = append(addrs, addr)
				return
			}
		}
	})
	return fourFirst(addrs)
}

// fourFirst puts the addresses of IPv4 before those of IPv6, which more networks
// only seem to carry.
func fourFirst(addrs []netip.Addr) []netip.Addr {
	var four, six []netip.Addr
	for _, addr := range addrs {
		if addr.Unmap().Is4() {
			four = append(four, addr)
			continue
		}
		six = append(six, addr)
	}
	return append(four, six...)
}

// eachLine calls fn with the words of each line of a file that has some, without
// comments. A file that cannot be read has no lines.
func eachLine(path string, fn func(fields []string)) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxConfig))
	for lines.Scan() {
		line := lines.Text()
		if at := strings.IndexAny(line, "#;"); at >= 0 {
			line = line[:at]
		}
		if fields := strings.Fields(line); len(fields) > 0 {
			fn(fields)
		}
	}
}
