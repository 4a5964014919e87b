package luagw

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

var _ net.Conn = (*hop)(nil)

// DialContext has the agent connect to an address, as [net.Dialer.DialContext]
// does from here: a client of any kind can talk through a gateway with it, such
// as an http.Transport. The network is tcp, tcp4, tcp6 or unix; the agent finds
// the name, and chooses among its addresses. What [Gateway.Dial] says of its
// connections is true of these.
func (gw *Gateway) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	spec := &Spec{Kind: "unix", Target: address}
	if network != "unix" {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		spec = &Spec{Kind: "tcp", Target: host, Params: map[string]string{"port": port}}
	}
	switch network {
	case "tcp", "tcp4", "tcp6", "unix":
	default:
		return nil, fmt.Errorf("%s: an agent does not dial network %q", gw.id, network)
	}
	h, err := gw.dial(ctx, spec)
	if err == nil {
		return h, nil
	}
	if open, ok := errors.AsType[*OpenError](err); ok {
		err = open.Err // the address is in its words
	}
	return nil, err
}

// viaAddr is the address of a connection that an agent forwards.
type viaAddr struct{ id string }

func (viaAddr) Network() string  { return "luagw" }
func (a viaAddr) String() string { return "through " + a.id }

// LocalAddr names the gateway that the connection goes through.
func (h *hop) LocalAddr() net.Addr { return viaAddr{h.gw.id} }

// RemoteAddr names the gateway that the connection goes through.
func (h *hop) RemoteAddr() net.Addr { return viaAddr{h.gw.id} }

// SetDeadline sets both deadlines.
func (h *hop) SetDeadline(t time.Time) error {
	return errors.Join(h.SetReadDeadline(t), h.SetWriteDeadline(t))
}
