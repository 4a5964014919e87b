package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// child is a bare child process with a pipe each way.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.ReadCloser
	buf []byte // a piece, reused
}

// startChild starts the echo program. It ends when its input does.
func startChild(program string, args ...string) (*child, error) {
	c := &child{cmd: exec.Command(program, args...)}
	c.cmd.Stderr = os.Stderr
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if c.out, err = c.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return c, c.cmd.Start()
}

func (c *child) close() {
	c.in.Close()
	c.out.Close()
	c.cmd.Wait()
}

// onEcho is a job of one bare child, which is kept for all rounds.
func onEcho(mode string, work func(c *child, n int) (float64, error)) starter {
	return func(_ context.Context, b *bench) (*runner, error) {
		var args []string
		if mode != "" {
			args = []string{mode}
		}
		c, err := startChild(b.echo, args...)
		if err != nil {
			return nil, err
		}
		c.buf = make([]byte, mib)
		return &runner{measure: c.bounded(work), close: c.close}, nil
	}
}

// bounded kills a child that does not answer while ctx lasts.
func (c *child) bounded(work func(c *child, n int) (float64, error)) func(ctx context.Context, n int) (float64, error) {
	return func(ctx context.Context, n int) (float64, error) {
		defer context.AfterFunc(ctx, func() { c.cmd.Process.Kill() })()
		return work(c, n)
	}
}

// bareOpening is the time from nothing to a byte back from a fresh child.
func bareOpening(_ context.Context, b *bench) (*runner, error) {
	measure := func(_ context.Context, n int) (float64, error) {
		times := make([]time.Duration, n)
		for i := range times {
			start := time.Now()
			c, err := startChild(b.echo)
			if err != nil {
				return 0, err
			}
			err = c.echo([]byte{byte(i)})
			times[i] = time.Since(start)
			c.close()
			if err != nil {
				return 0, err
			}
		}
		return median(times), nil
	}
	return &runner{measure: measure, close: func() {}}, nil
}

// echo sends b and checks what comes back.
func (c *child) echo(b []byte) error {
	if _, err := c.in.Write(b); err != nil {
		return err
	}
	var back [8]byte
	if _, err := io.ReadFull(c.out, back[:len(b)]); err != nil {
		return err
	}
	return check("what came back", string(back[:len(b)]), string(b))
}

// bareRoundTrip sends eight bytes there and back.
func bareRoundTrip(c *child, n int) (float64, error) {
	times := make([]time.Duration, n)
	var b [8]byte
	for i := range times {
		binary.BigEndian.PutUint64(b[:], uint64(i))
		start := time.Now()
		err := c.echo(b[:])
		times[i] = time.Since(start)
		if err != nil {
			return 0, err
		}
	}
	return median(times), nil
}

// ask tells the child how many pieces of 1 MiB it is to write or read.
func (c *child) ask(n int) error {
	_, err := c.in.Write(binary.BigEndian.AppendUint32(nil, uint32(n)))
	return err
}

func bareBytesIn(c *child, n int) (float64, error) {
	start := time.Now()
	if err := c.ask(n); err != nil {
		return 0, err
	}
	for range n {
		if _, err := io.ReadFull(c.out, c.buf); err != nil {
			return 0, err
		}
	}
	return rate(n*mib, start), nil
}

func bareBytesOut(c *child, n int) (float64, error) {
	start := time.Now()
	if err := c.ask(n); err != nil {
		return 0, err
	}
	for range n {
		if _, err := c.in.Write(c.buf); err != nil {
			return 0, err
		}
	}
	var done [1]byte
	if _, err := io.ReadFull(c.out, done[:]); err != nil {
		return 0, fmt.Errorf("wait for the last piece: %w", err)
	}
	return rate(n*mib, start), nil
}
