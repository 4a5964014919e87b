package luagw

import (
	"context"
	"io"
)

// pieceSize is how much of what is written to a Writer travels in one item.
const pieceSize = 32 << 10

// Reader returns the bytes of the string items that are still to be received,
// one after the other, until the other side is done. It ends with io.EOF, or
// with what Receive returns. An item that is no string is a [*ValueError].
// It belongs to one goroutine.
func (c *Channel) Reader(ctx context.Context) io.Reader { return &channelReader{ctx: ctx, c: c} }

type channelReader struct {
	ctx  context.Context // bounds the reader, by its contract
	c    *Channel
	item []byte // the last one; its memory is used again
	rest []byte // of it
}

func (r *channelReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if len(p) == 0 {
			return 0, nil
		}
		if err := r.c.ReceiveInto(r.ctx, &r.item); err != nil {
			return 0, err
		}
		r.rest = r.item
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Writer returns a writer whose bytes are sent as string items, in pieces of at
// most 32 KiB. Its Close is the channel's CloseWrite. It belongs to one
// goroutine.
func (c *Channel) Writer(ctx context.Context) io.WriteCloser { return &channelWriter{ctx, c} }

type channelWriter struct {
	ctx context.Context // bounds the writer, by its contract
	c   *Channel
}

func (w *channelWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		piece := p[:min(len(p), pieceSize)]
		if err := w.c.Send(w.ctx, piece); err != nil {
			return n, err
		}
		n += len(piece)
		p = p[len(piece):]
	}
	return n, nil
}

func (w *channelWriter) Close() error { return w.c.CloseWrite() }
