package luagw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/luagw/luagw/mux"
)

// DialFunc reaches the far side of a spec: it returns a connection to a started
// agent, whose hello is still to be read. ctx bounds the call, not the
// connection. The error is best an [*OpenError]. A connection that knows of the
// process at its end implements [Exiter].
type DialFunc func(ctx context.Context, spec *Spec) (io.ReadWriteCloser, error)

// Dial has the agent reach further and returns a connection to what it reached:
// a [DialFunc], by which a group opens gateways through this one. The
// connection ends with the gateway.
func (gw *Gateway) Dial(ctx context.Context, spec *Spec) (io.ReadWriteCloser, error) {
	stream, err := gw.conn.session.Open(ctx)
	if err != nil {
		return nil, gw.conn.openError(ctx, err)
	}
	request, err := appendValues(beginFrame(nil, kindDial), []any{spec.String()}, nil)
	if err == nil {
		request, err = endFrame(request, 0)
	}
	if err == nil {
		_, err = stream.Write(request)
	}
	if err != nil {
		stream.Close()
		return nil, err
	}
	fr := newFrameReader(stream)
	if err := gw.awaitDialled(ctx, stream, fr); err != nil {
		return nil, err
	}
	return &replay{&hop{Stream: stream, conn: gw.conn}, fr.buf}, nil
}

// awaitDialled waits for the answer. When ctx ends first, the stream is left to
// be drained: the agent will see it closed.
func (gw *Gateway) awaitDialled(ctx context.Context, stream *mux.Stream, fr *frameReader) error {
	answered := make(chan error, 1)
	if !gw.conn.goDo(func() { answered <- gw.readDialled(fr) }) {
		return gw.conn.lostError()
	}
	select {
	case err := <-answered:
		if err != nil {
			stream.Close()
		}
		return err
	case <-ctx.Done():
		stream.Close()
		gw.conn.goDo(func() { <-answered; drain(stream) })
		return ctx.Err()
	}
}

func (gw *Gateway) readDialled(fr *frameReader) error {
	k, payload, err := fr.next()
	switch {
	case err != nil:
		return gw.conn.openError(context.Background(), err)
	case k == kindReady:
		return nil
	case k != kindError:
		return fmt.Errorf("%w: %d answers a dial", errFrameKind, k)
	}
	remote, _, err := readRemoteError(payload, &Channel{conn: gw.conn})
	if err != nil {
		return err
	}
	return errors.New(gw.id + ": " + remote.Message)
}

// hop is a connection that an agent forwards.
type hop struct {
	*mux.Stream
	conn *connection

	reading  sync.Mutex // a stream is read by one at a time
	draining sync.Once
}

func (h *hop) Read(p []byte) (int, error) {
	h.reading.Lock()
	defer h.reading.Unlock()
	return h.Stream.Read(p)
}

// Close closes both directions; what still comes is thrown away.
func (h *hop) Close() error {
	err := h.Stream.Close()
	h.draining.Do(func() {
		h.conn.goDo(func() { io.Copy(io.Discard, h) })
	})
	return err
}

// dial serves a near side's wish to reach further.
func (s *server) dial(stream *mux.Stream, fr *frameReader, payload []byte) {
	defer stream.Close()
	far, err := s.dialSpec(payload)
	if err != nil {
		answer, _ := endFrame(appendRemoteError(beginFrame(nil, kindError), err, 0, nil), 0)
		stream.Write(answer)
		drain(stream)
		return
	}
	answer, _ := endFrame(beginFrame(nil, kindReady), 0)
	if _, err := stream.Write(answer); err != nil {
		far.Close()
		return
	}
	s.forward(&replay{&hop{Stream: stream, conn: s.conn}, fr.buf}, far)
}

func (s *server) dialSpec(payload []byte) (io.ReadWriteCloser, error) {
	list, err := readList(payload, nil, 1)
	if err != nil {
		return nil, err
	}
	if s.agent.Dial == nil {
		return nil, errors.New("this agent does not reach further")
	}
	text, _ := list[0].(string)
	spec, err := ParseSpec(text)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(s.conn.ctx, openTimeout)
	defer cancel()
	return s.agent.Dial(ctx, spec)
}

// forward copies both ways until both have ended. far is closed when the near
// side has said all it wants to.
func (s *server) forward(near io.ReadWriter, far io.ReadWriteCloser) {
	s.conn.goDo(func() {
		io.Copy(far, near)
		far.Close()
	})
	io.Copy(near, far)
	far.Close()
}
