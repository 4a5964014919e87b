package luagw

import (
	"bytes"
	"fmt"
	"io"
)

// intake cuts what arrives on a channel into frames, on the session's own
// reader: items go straight into the inbox, where a Receive finds them. Nothing
// here may block.
type intake struct {
	channel *Channel
	partial []byte // of a frame whose rest is still to come
}

// listen has what arrives on the channel's stream taken in, and first of all
// what was read behind the frame that opened it.
func (c *Channel) listen(fr *frameReader) {
	c.in.credited(len(fr.buf))
	err := c.intake.Arrive(fr.buf)
	if err == nil {
		err = c.stream.Deliver(&c.intake)
	}
	if err != nil {
		c.conn.fail(err)
	}
}

// Arrive implements [mux.Receiver].
func (in *intake) Arrive(p []byte) error {
	for len(p) > 0 {
		n, err := in.takeFrames(p)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// takeFrames takes the run of whole items at the front of p, or a frame of
// another kind, or a part of a frame.
func (in *intake) takeFrames(p []byte) (int, error) {
	if len(in.partial) > 0 {
		return in.complete(p)
	}
	n, err := itemsIn(p)
	if err != nil {
		return 0, err
	}
	if n > 0 {
		in.channel.deliver(copyFrames(p[:n]), 0)
		return n, nil
	}
	n, err = wholeFrame(p)
	if err != nil {
		return 0, err
	}
	if n > 0 {
		in.channel.credit(in.channel.in.skip(n, 0))
		return n, in.channel.handle(kind(p[4]), bytes.Clone(p[frameHeader:n]))
	}
	in.partial = append(newFrame(room(p)), p...)
	in.channel.credit(in.channel.in.addPart(len(p)))
	return len(p), nil
}

// itemsIn is the length of the run of whole item frames that p begins with.
func itemsIn(p []byte) (run int, err error) {
	for {
		n, err := wholeFrame(p[run:])
		if err != nil || n == 0 || kind(p[run+4]) != kindItem {
			return run, err
		}
		run += n
	}
}

// complete adds to the partial frame, no further than to its end.
func (in *intake) complete(p []byte) (int, error) {
	missing := frameHeader - len(in.partial)
	if missing <= 0 {
		length, _ := frameLength(in.partial) // wholeFrame has checked it
		missing += length
	}
	p = p[:min(missing, len(p))]
	part := len(in.partial)
	if cap(in.partial)-part < len(p) {
		in.partial = append(newFrame(max(room(in.partial), part+len(p))), in.partial...)
	}
	in.partial = append(in.partial, p...)
	n, err := wholeFrame(in.partial)
	switch {
	case err != nil:
		return 0, err
	case n == 0:
		in.channel.credit(in.channel.in.addPart(len(p)))
		return len(p), nil
	}
	frame := in.partial
	in.partial = nil
	if k := kind(frame[4]); k != kindItem {
		in.channel.credit(in.channel.in.skip(n, part))
		return len(p), in.channel.handle(k, frame[frameHeader:])
	}
	in.channel.deliver(frame, part)
	return len(p), nil
}

// End implements [mux.Receiver].
func (in *intake) End(err error) {
	if len(in.partial) > 0 && err == io.EOF {
		err = fmt.Errorf("%w: it ended within a frame", errNoGoodbye)
	}
	in.channel.streamEnded(err)
}
