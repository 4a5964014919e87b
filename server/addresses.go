package server

import (
	"fmt"
	"net"
	"net/netip"
	"path"
	"strings"
)

// addresses is a list of patterns of a from= option: addresses, networks, and
// addresses with * and ?, each of which ! turns around. Names of hosts are not
// among them: whoever has a network says how the addresses in it are called.
type addresses []addressPattern

type addressPattern struct {
	not     bool
	network netip.Prefix // if valid
	glob    string       // otherwise
}

func parseAddresses(list string) (addresses, error) {
	as := addresses{}
	for text := range strings.SplitSeq(list, ",") {
		p, err := parseAddress(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		as = append(as, p)
	}
	return as, nil
}

func parseAddress(text string) (p addressPattern, err error) {
	text, p.not = strings.CutPrefix(text, "!")
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap()
		p.network = netip.PrefixFrom(addr.WithZone(""), addr.BitLen())
		return p, nil
	}
	if network, err := netip.ParsePrefix(text); err == nil {
		if network != network.Masked() {
			return p, fmt.Errorf("network %q has bits set behind its mask; it should be %v", text, network.Masked())
		}
		p.network = unmap(network)
		return p, nil
	}
	if !strings.ContainsAny(text, "*?") || strings.Trim(text, "0123456789abcdefABCDEF.:*?") != "" {
		return p, fmt.Errorf("%q is no address or network; names of hosts are not looked up", text)
	}
	p.glob = strings.ToLower(text)
	return p, nil
}

// unmap returns a network of IPv4 that is written as one of IPv6, as addresses are
// that come from one.
func unmap(network netip.Prefix) netip.Prefix {
	if bits := network.Bits() - 96; network.Addr().Is4In6() && bits >= 0 {
		return netip.PrefixFrom(network.Addr().Unmap(), bits)
	}
	return network
}

// match says whether an address matches a pattern, and none that is turned
// around.
func (as addresses) match(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	matched := false
	for _, p := range as {
		if !p.match(addr) {
			continue
		}
		if p.not {
			return false
		}
		matched = true
	}
	return matched
}

func (p addressPattern) match(addr netip.Addr) bool {
	if !addr.IsValid() {
		return false
	}
	if p.network.IsValid() {
		return p.network.Contains(addr)
	}
	ok, _ := path.Match(p.glob, addr.String())
	return ok
}

// addressOf is the address of a peer; not valid if it has none.
func addressOf(peer net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(peer.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
