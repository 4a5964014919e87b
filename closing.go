package luagw

import (
	"context"
	"errors"
	"io"

	"github.com/luagw/luagw/mux"
)

// complete sends the closing frame of a fragment, behind everything that it
// sent, and then closes the stream. If the near side cancelled it, nobody waits
// for that.
func (c *Channel) complete(ctx context.Context, results []any, err error) {
	if c.printed.Load() > 0 {
		c.conn.control.Flush(ctx)
	}
	c.writeClosed.Store(true)
	if verdict := c.verdict.Load(); verdict != nil && err == nil {
		err = *verdict
	}
	sendErr := c.sendClosing(ctx, results, err)
	if valueErr, ok := errors.AsType[*ValueError](sendErr); ok {
		sendErr = c.sendClosing(ctx, nil, &RemoteError{Message: "results: " + valueErr.Error()})
	}
	if sendErr == nil {
		c.out.Drain(ctx)
	}
	c.discard.Store(true)
	c.drop(errChannelClosed)
	c.out.Fail(errChannelClosed)
	c.stream.Close()
}

func (c *Channel) sendClosing(ctx context.Context, results []any, err error) error {
	if err != nil && context.Cause(ctx) == errNearClosed {
		return ErrClosed
	}
	ctx = c.conn.ctx
	if err != nil {
		return c.send(ctx, kindError, c.out.CommitLater, func(b []byte) ([]byte, error) {
			return appendRemoteError(b, err, c.printed.Load(), c), nil
		})
	}
	return c.send(ctx, kindClose, c.out.CommitLater, func(b []byte) ([]byte, error) {
		return appendResults(b, results, c.printed.Load(), c)
	})
}

// drain reads a stream to its end, so that it can be freed.
func drain(stream *mux.Stream) {
	io.Copy(io.Discard, stream)
}
