package server

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// door limits the connections which have not logged in yet. When there are too
// many, the oldest of the address that has most of them makes room, if it has
// had its chance: who only holds places loses them, and who logs in is through
// before. IPv6 addresses count by their network of 64 bits, which is what one
// host has.
type door struct {
	most      int           // connections
	perSource int           // from one address
	chance    time.Duration // that a connection has before it may be put out

	mu      sync.Mutex                // guards the following
	sources map[netip.Addr][]*visitor // oldest first
	count   int
}

// visitor is a connection that has not logged in.
type visitor struct {
	conn   net.Conn
	source netip.Addr
	since  time.Time
	gone   bool
}

// enter lets a connection in, perhaps at another one's expense, or returns nil.
func (d *door) enter(conn net.Conn, now time.Time) *visitor {
	d.mu.Lock()
	defer d.mu.Unlock()
	source := sourceOf(conn)
	if len(d.sources[source]) >= d.perSource && !d.putOut(source, now) {
		return nil
	}
	if d.count >= d.most && !d.putOut(d.busiest(), now) {
		return nil
	}
	if d.sources == nil {
		d.sources = map[netip.Addr][]*visitor{}
	}
	v := &visitor{conn: conn, source: source, since: now}
	d.sources[source] = append(d.sources[source], v)
	d.count++
	return v
}

// putOut closes the oldest connection of a source, unless it is too new for
// that.
func (d *door) putOut(source netip.Addr, now time.Time) bool {
	oldest := d.sources[source][0]
	if now.Sub(oldest.since) < d.chance {
		return false
	}
	d.remove(oldest)
	oldest.conn.Close()
	return true
}

func (d *door) busiest() (source netip.Addr) {
	most := 0
	for s, visitors := range d.sources {
		if len(visitors) > most {
			source, most = s, len(visitors)
		}
	}
	return source
}

// leave makes room: the connection has logged in, or is closed.
func (d *door) leave(v *visitor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(v)
}

func (d *door) remove(v *visitor) {
	if v.gone {
		return
	}
	v.gone = true
	d.count--
	visitors := d.sources[v.source]
	for i := range visitors {
		if visitors[i] == v {
			visitors = append(visitors[:i], visitors[i+1:]...)
			break
		}
	}
	if len(visitors) == 0 {
		delete(d.sources, v.source)
		return
	}
	d.sources[v.source] = visitors
}

// closeAll closes all connections that have not logged in.
func (d *door) closeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, visitors := range d.sources {
		for _, v := range visitors {
			v.conn.Close()
		}
	}
}

// sourceOf is the address as which a connection counts.
func sourceOf(conn net.Conn) netip.Addr {
	addr := addressOf(conn.RemoteAddr()).WithZone("")
	if addr.Is6() {
		if network, err := addr.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return addr
}
