package controlmaster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Types of messages, of PROTOCOL.mux.
const (
	hello            = 0x00000001
	newSession       = 0x10000002
	newForward       = 0x10000008
	permissionDenied = 0x80000002
	failure          = 0x80000003
	exitMessage      = 0x80000004
	sessionOpened    = 0x80000006
)

const (
	version   = 4
	requestID = 1          // there is but one on a connection
	noEscape  = 0xffffffff // no character of the input is an escape
	maxPacket = 64 << 10   // of the master's, which are short
)

var errShort = errors.New("it sends a message that is cut short")

// packet is a message: numbers of four bytes, and strings behind their lengths.
type packet struct{ body []byte }

func newPacket(kind uint32) *packet { return new(packet).number(kind) }

func (p *packet) number(n uint32) *packet {
	p.body = binary.BigEndian.AppendUint32(p.body, n)
	return p
}

func (p *packet) text(s string) *packet {
	p.number(uint32(len(s)))
	p.body = append(p.body, s...)
	return p
}

func (p *packet) takeNumber() (n uint32, ok bool) {
	if len(p.body) < 4 {
		return 0, false
	}
	n = binary.BigEndian.Uint32(p.body)
	p.body = p.body[4:]
	return n, true
}

func (p *packet) takeText() (s string, ok bool) {
	n, ok := p.takeNumber()
	if !ok || uint64(n) > uint64(len(p.body)) {
		return "", false
	}
	s, p.body = string(p.body[:n]), p.body[n:]
	return s, true
}

func (c *Conn) write(p *packet) error {
	_, err := c.conn.Write(new(packet).text(string(p.body)).body)
	return err
}

func (c *Conn) read() (*packet, error) {
	var head [4]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return nil, gone(err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxPacket {
		return nil, fmt.Errorf("it sends a message of %d bytes", n)
	}
	p := &packet{body: make([]byte, n)}
	if _, err := io.ReadFull(c.conn, p.body); err != nil {
		return nil, gone(err)
	}
	return p, nil
}

// gone has words for the end of a connection.
func gone(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it has ended")
	}
	return err
}

// greet says which version of the protocol this side speaks, and hears the
// master's.
func (c *Conn) greet() error {
	if err := c.write(newPacket(hello).number(version)); err != nil {
		return err
	}
	p, err := c.read()
	if err != nil {
		return err
	}
	kind, _ := p.takeNumber()
	theirs, ok := p.takeNumber()
	if kind != hello || !ok {
		return errors.New("it is none")
	}
	if theirs != version {
		return fmt.Errorf("it speaks version %d of the protocol, and not %d", theirs, version)
	}
	return nil
}
