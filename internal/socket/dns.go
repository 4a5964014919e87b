//go:build unix

package socket

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	dnsPort     = 53
	dnsTry      = 2 * time.Second // for one server's answer
	dnsAttempts = 2               // how often each server is asked
	maxServers  = 3               // as resolv.conf(5) says
	maxSearch   = 6

	typeA, typeAAAA = 1, 28
	dnsHeader       = 12
	dnsSize         = 4096 // of the largest answer that is taken
)

var errDNS = errors.New("malformed answer")

// dnsConfig is what resolv.conf says.
type dnsConfig struct {
	servers []netip.AddrPort
	search  []string
	ndots   int
}

func readDNSConfig(path string) *dnsConfig {
	c := &dnsConfig{ndots: 1}
	eachLine(path, func(fields []string) {
		switch fields[0] {
		case "nameserver":
			c.addServer(fields[1:])
		case "domain", "search": // the last one counts
			c.search = fields[1:min(len(fields), 1+maxSearch)]
		case "options":
			c.options(fields[1:])
		}
	})
	if len(c.servers) == 0 {
		c.servers = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), dnsPort)}
	}
	return c
}

// addServer takes a name server's address; with a port too, as other resolvers do.
func (c *dnsConfig) addServer(fields []string) {
	if len(fields) == 0 || len(c.servers) >= maxServers {
		return
	}
	server, err := netip.ParseAddrPort(fields[0])
	if err != nil {
		addr, err := netip.ParseAddr(fields[0])
		if err != nil {
			return
		}
		server = netip.AddrPortFrom(addr, dnsPort)
	}
	c.servers = append(c.servers, server)
}

func (c *dnsConfig) options(fields []string) {
	for _, option := range fields {
		if text, ok := strings.CutPrefix(option, "ndots:"); ok {
			if n, err := strconv.Atoi(text); err == nil && n >= 0 {
				c.ndots = min(n, 15)
			}
		}
	}
}

// names are what to ask for, in their order.
func (c *dnsConfig) names(host string) []string {
	if strings.HasSuffix(host, ".") {
		return []string{strings.TrimSuffix(host, ".")}
	}
	var names []string
	for _, domain := range c.search {
		if domain = strings.Trim(domain, "."); domain != "" {
			names = append(names, host+"."+domain)
		}
	}
	if strings.Count(host, ".") >= c.ndots {
		return append([]string{host}, names...)
	}
	return append(names, host)
}

func (c *dnsConfig) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	failure := errNoName
	for _, name := range c.names(host) {
		addrs, err := c.ask(ctx, name)
		switch {
		case err == nil:
			return addrs, nil
		case ctx.Err() != nil:
			return nil, late(ctx.Err())
		case err != errNoName:
			failure = err
		}
	}
	return nil, failure
}

// ask asks the servers in turn until one knows whether the name exists.
func (c *dnsConfig) ask(ctx context.Context, name string) (addrs []netip.Addr, err error) {
	for range dnsAttempts {
		for _, server := range c.servers {
			addrs, err = askServer(ctx, server, name)
			if err == nil || err == errNoName {
				return addrs, err
			}
			err = fmt.Errorf("name server %s: %w", server, err)
			if ctx.Err() != nil {
				return nil, err
			}
		}
	}
	return nil, err
}

// askServer asks for the addresses of both kinds at once.
func askServer(ctx context.Context, server netip.AddrPort, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, dnsTry)
	defer cancel()
	family, address, err := sockaddr(server)
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, family, unix.SOCK_DGRAM, address, server.String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	ids := [2]uint16{uint16(rand.Uint32()), uint16(rand.Uint32())}
	for i, kind := range []uint16{typeA, typeAAAA} {
		question, err := appendQuestion(nil, ids[i], name, kind)
		if err != nil {
			return nil, err
		}
		if _, err := c.Write(question); err != nil {
			return nil, err
		}
	}
	addrs, err := readAnswers(c, ids, name)
	if ctx.Err() != nil && len(addrs) == 0 {
		return nil, late(ctx.Err())
	}
	return addrs, err
}

// readAnswers reads both answers. What is no answer is passed over; when the
// second does not come, the first is enough if it has addresses.
func readAnswers(c *conn, ids [2]uint16, name string) (addrs []netip.Addr, err error) {
	buf := make([]byte, dnsSize)
	for waiting := 2; waiting > 0; {
		n, readErr := c.Read(buf)
		if readErr != nil {
			if len(addrs) > 0 {
				break
			}
			return nil, readErr
		}
		i, ok := answers(buf[:n], ids, name)
		if !ok {
			continue
		}
		waiting--
		ids[i] = 0
		more, answerErr := parseAnswer(buf[:n], len(name))
		addrs = append(addrs, more...)
		if answerErr != nil && (err == nil || err == errNoName) {
			err = answerErr
		}
	}
	if len(addrs) > 0 {
		return fourFirst(addrs), nil
	}
	return nil, err
}

// appendQuestion appends a question for a name's addresses. See RFC 1035, 4.
func appendQuestion(b []byte, id uint16, name string, kind uint16) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, id)
	b = append(b, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0) // recursion desired, one question
	if len(name) > 253 {
		return nil, errNoName
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return nil, errNoName
		}
		b = append(append(b, byte(len(label))), label...)
	}
	b = append(b, 0)
	b = binary.BigEndian.AppendUint16(b, kind)
	return append(b, 0, 1), nil
}

// answers says to which of the questions p is the answer.
func answers(p []byte, ids [2]uint16, name string) (i int, ok bool) {
	if len(p) < dnsHeader || p[2]&0x80 == 0 || binary.BigEndian.Uint16(p[4:]) != 1 {
		return 0, false
	}
	for i, kind := range []uint16{typeA, typeAAAA} {
		question, err := appendQuestion(nil, ids[i], name, kind)
		if err == nil && len(p) >= len(question) && string(p[:2]) == string(question[:2]) &&
			strings.EqualFold(string(p[dnsHeader:len(question)]), string(question[dnsHeader:])) {
			return i, true
		}
	}
	return 0, false
}

// parseAnswer reads the addresses out of an answer to the question for a name of
// that length. One that was cut short is read as far as it goes.
func parseAnswer(p []byte, nameLength int) (addrs []netip.Addr, err error) {
	switch code := p[3] & 0x0f; code {
	case 0:
	case 3:
		return nil, errNoName
	default:
		return nil, fmt.Errorf("it answers with code %d", code)
	}
	count := binary.BigEndian.Uint16(p[6:])
	p = p[dnsHeader+nameLength+2+4:] // answers has compared the question
	for range count {
		var kind uint16
		var data []byte
		kind, data, p, err = cutRecord(p)
		if err != nil {
			break
		}
		addr, ok := netip.AddrFromSlice(data)
		if ok && (kind == typeA && addr.Is4() || kind == typeAAAA && addr.Is6()) {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 && err == nil {
		err = errNoName
	}
	return addrs, err
}

// cutRecord takes a record off the front of p.
func cutRecord(p []byte) (kind uint16, data, rest []byte, err error) {
	p, err = cutName(p)
	if err != nil || len(p) < 10 {
		return 0, nil, nil, errDNS
	}
	kind = binary.BigEndian.Uint16(p)
	length := int(binary.BigEndian.Uint16(p[8:]))
	if p = p[10:]; len(p) < length {
		return 0, nil, nil, errDNS
	}
	return kind, p[:length], p[length:], nil
}

// cutName takes a name off the front of p.
func cutName(p []byte) ([]byte, error) {
	for len(p) > 0 {
		n := int(p[0])
		switch {
		case n == 0:
			return p[1:], nil
		case n >= 0xc0 && len(p) >= 2: // the rest of the name stands elsewhere
			return p[2:], nil
		case n > 63 || len(p) <= n:
			return nil, errDNS
		}
		p = p[1+n:]
	}
	return nil, errDNS
}
