package ssh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/luagw/luagw/gateways/ssh/controlmaster"
)

// master is a connection to a host that OpenSSH's client keeps for others
// (ControlMaster), for one session of it. This side never becomes a master.
type master struct {
	dialer *Dialer
	host   *host
	conn   *controlmaster.Conn
}

// master returns the master that the configuration names for a host; nil if there
// is none, or it is not to be used. One that cannot be used is told.
//
// A spec that says how the host is to be known, or who logs in by which key, wants
// that to be so, and a master may have been told otherwise.
func (d *Dialer) master(ctx context.Context, h *host, given map[string]string) *master {
	for _, key := range []string{"hostkey", "known_hosts", "identity"} {
		if given[key] != "" {
			return nil
		}
	}
	if through(ctx) != nil || d.NetDial != nil {
		return nil
	}
	paths, err := h.controlPaths()
	d.withoutMaster(ctx, h, err)
	for _, path := range paths {
		conn, err := dialMaster(ctx, h, path)
		if err == nil {
			return &master{d, h, conn}
		}
		d.withoutMaster(ctx, h, err)
	}
	return nil
}

func dialMaster(ctx context.Context, h *host, path string) (*controlmaster.Conn, error) {
	ctx, cancel := h.stage(ctx)
	defer cancel()
	return controlmaster.Dial(ctx, path)
}

// stage bounds one stage of what is done for a host.
func (h *host) stage(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, h.each, fmt.Errorf("%w for %v", errSilent, h.each))
}

// withoutMaster tells why a master is not used.
func (d *Dialer) withoutMaster(ctx context.Context, h *host, err error) {
	if err != nil && !errors.Is(err, controlmaster.ErrNone) && ctx.Err() == nil {
		d.notice(fmt.Sprintf("%v; connecting to %s without it", err, h.name))
	}
}

// controlPaths are where the socket of a master may be. There may be two because
// %C has ProxyJump in it, or has not, by the version of OpenSSH.
func (h *host) controlPaths() ([]string, error) {
	path := h.settings.one("controlpath")
	if path == "" || strings.EqualFold(path, "none") {
		return nil, nil
	}
	use := strings.ToLower(first(h.settings.one("controlmaster"), "no"))
	if !slices.Contains([]string{"no", "false", "auto", "autoask"}, use) {
		return nil, nil
	}
	var paths []string
	for _, jump := range slices.Compact([]string{h.tokens['j'], ""}) {
		full, err := h.tokens.with('C', h.tokens.connectionHash(jump)).path(path)
		if err != nil {
			return nil, fmt.Errorf("ControlPath: %w", err)
		}
		if !slices.Contains(paths, full) {
			paths = append(paths, full)
		}
	}
	return paths, nil
}

// start runs something over the master; nil if that cannot be, and it is closed then.
func (m *master) start(ctx context.Context, request, what string, opts RunOptions) *masterSession {
	bounded, cancel := m.host.stage(ctx)
	defer cancel()
	s, err := openMasterSession(bounded, m, request, what, opts.Stderr)
	if err != nil {
		m.conn.Close()
		m.dialer.withoutMaster(ctx, m.host, err)
		return nil
	}
	return s
}
