package luagw

// OpenChannels is how many channels and unshown lines the near side keeps.
func OpenChannels(gw *Gateway) int {
	gw.conn.mu.Lock()
	defer gw.conn.mu.Unlock()
	gw.conn.prints.mu.Lock()
	defer gw.conn.prints.mu.Unlock()
	n := len(gw.conn.prints.lines)
	for _, ch := range gw.conn.channels {
		if !ch.gone {
			n++
		}
	}
	return n
}

// OpenStreams is how many streams of a gateway are not finished on both sides.
func OpenStreams(gw *Gateway) int { return gw.conn.session.NumStreams() }
