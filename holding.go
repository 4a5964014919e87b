package luagw

import "bytes"

// Hold notes that a fragment has got c as a value; Release takes it back. They
// are for a [Runner], and do nothing for the fragment's own channel. A Runner
// need not hold its chunk's arguments, which the agent does.
func (c *Channel) Hold() {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	c.holders++
}

// Release closes c, with err if that is not nil, once no fragment holds it any
// more: what a fragment has ends with it.
func (c *Channel) Release(err error) {
	c.conn.mu.Lock()
	c.holders--
	held := c.holders > 0
	c.conn.mu.Unlock()
	if held || c.role != rolePlain {
		return
	}
	c.CloseWithError(err)
}

// Ended says whether both sides are done with c: nothing will come on it any more,
// and a Runner need not release it. What came before can still be received.
func (c *Channel) Ended() bool {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	return c.gone
}

// dropRefs closes the channels that are named in items which nobody will
// receive, unless somebody has them already.
func (c *Channel) dropRefs(runs [][]byte) {
	for _, items := range runs {
		if bytes.Contains(items, channelMark) {
			c.conn.goDo(func() { c.closeRefs(items) })
		}
	}
}

func (c *Channel) closeRefs(items []byte) {
	for len(items) > 0 {
		n, _ := frameLength(items) // the reader has checked it
		if item := items[frameHeader : frameHeader+n]; bytes.Contains(item, channelMark) {
			c.closeRefsIn(item)
		}
		items = items[frameHeader+n:]
	}
}

// closeRefsIn closes the channels that one item names and nothing did before.
func (c *Channel) closeRefsIn(item []byte) {
	c.awaitRefs(c.conn.ctx, item) // what has not come by then is not to be decoded
	v, _, err := decodeValue(item, c)
	if err != nil {
		return
	}
	named := map[*Channel]int{}
	for _, ch := range channelsIn(v, nil) {
		named[ch]++
	}
	for ch, n := range named {
		if c.conn.claimsOf(ch) == n {
			ch.Close()
		}
	}
}

func (c *connection) claimsOf(ch *Channel) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ch.claims
}

// channelsIn appends the channels in a decoded value.
func channelsIn(v any, found []*Channel) []*Channel {
	switch v := v.(type) {
	case *Channel:
		return append(found, v)
	case []any:
		for _, item := range v {
			found = channelsIn(item, found)
		}
	case map[string]any:
		for _, item := range v {
			found = channelsIn(item, found)
		}
	case map[any]any:
		for _, item := range v {
			found = channelsIn(item, found)
		}
	}
	return found
}
