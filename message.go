package luagw

import (
	"errors"
	"fmt"
)

// What the frames of a connection carry: lists of values, in a fixed order. See
// doc/protocol.md.

// chunkRequest is the payload of kindExec: name, source, arguments, and the
// modules that the near side sends ahead, each as name, hash and source; the
// source is nil if the far side has it.
func (ch *Chunk) request(modules []any) []any {
	args := ch.Args
	if args == nil {
		args = []any{}
	}
	return []any{ch.Name, ch.Source, args, modules}
}

func readChunk(payload []byte, c *Channel) (*Chunk, []any, error) {
	list, err := readList(payload, c, 4)
	if err != nil {
		return nil, nil, err
	}
	chunk := &Chunk{}
	var ok [4]bool
	var modules []any
	chunk.Name, ok[0] = list[0].(string)
	chunk.Source, ok[1] = list[1].(string)
	chunk.Args, ok[2] = list[2].([]any)
	modules, ok[3] = list[3].([]any)
	if ok != [4]bool{true, true, true, true} {
		return nil, nil, errMalformed
	}
	return chunk, modules, nil
}

// appendClose appends the payload of kindClose: how many lines were printed,
// and the results.
func appendClose(b []byte, results []any, printed uint64) []byte {
	b, err := appendResults(b, results, printed, nil)
	if err != nil {
		panic("luagw: internal error: " + err.Error())
	}
	return b
}

func appendResults(b []byte, results []any, printed uint64, c *Channel) ([]byte, error) {
	b, err := appendValue(b, printed, nil)
	if err != nil {
		return b, err
	}
	return appendValues(b, results, c)
}

// readClose splits the payload of kindClose. The results stay encoded.
func readClose(payload []byte) (results []byte, printed uint64, err error) {
	printed, results, err = readCount(payload)
	return results, printed, err
}

func readCount(payload []byte) (uint64, []byte, error) {
	v, rest, err := decodeValue(payload, nil)
	n, ok := v.(int64)
	if err != nil || !ok || n < 0 {
		return 0, nil, errMalformed
	}
	return uint64(n), rest, nil
}

// appendRemoteError appends the payload of kindError: how many lines were
// printed, message, traceback, and the value that was raised.
func appendRemoteError(b []byte, err error, printed uint64, c *Channel) []byte {
	remote, ok := errors.AsType[*RemoteError](err)
	if !ok {
		remote = &RemoteError{Message: err.Error()}
	}
	b, _ = appendValue(b, printed, nil)
	withValue, encErr := appendValues(b, []any{remote.Message, remote.Traceback, remote.Value}, c)
	if encErr == nil && len(withValue)-len(b) <= MaxItem/2 {
		return withValue
	}
	b, _ = appendValues(b, []any{cut(remote.Message), cut(remote.Traceback), nil}, nil)
	return b
}

// cut keeps an error's text within what a frame can carry.
func cut(s string) string {
	const most = 1 << 20
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s... (%d bytes more)", s[:most], len(s)-most)
}

func readRemoteError(payload []byte, c *Channel) (*RemoteError, uint64, error) {
	printed, rest, err := readCount(payload)
	if err != nil {
		return nil, 0, err
	}
	list, err := readList(rest, c, 3)
	if err != nil {
		return nil, 0, err
	}
	e := &RemoteError{Value: list[2]}
	e.Message, _ = list[0].(string)
	e.Traceback, _ = list[1].(string)
	if gw := c.conn.gateway; gw != nil {
		e.Gateway = gw.ID()
	}
	return e, printed, nil
}

// readList decodes a list of at least n values, which came on c. It waits for
// channels that they name.
func readList(payload []byte, c *Channel, n int) ([]any, error) {
	if c != nil {
		c.awaitRefs(c.conn.ctx, payload) // what has not come by then is not to be decoded
	}
	v, rest, err := decodeValue(payload, c)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errMalformed, err)
	}
	list, ok := v.([]any)
	if !ok || len(list) < n || len(rest) > 0 {
		return nil, errMalformed
	}
	return list, nil
}
