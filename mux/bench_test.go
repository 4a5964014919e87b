package mux

import (
	"context"
	"fmt"
	"io"
	"testing"
)

// echo sends back what it reads.
func echo(rw io.ReadWriter) {
	buf := make([]byte, 64<<10)
	for {
		n, err := rw.Read(buf)
		if err != nil {
			return
		}
		if _, err := rw.Write(buf[:n]); err != nil {
			return
		}
	}
}

func roundTrips(b *testing.B, rw io.ReadWriter) {
	buf := make([]byte, 8)
	for b.Loop() {
		if _, err := rw.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(rw, buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	client, server := pair(b, filePipe, nil)
	near, far := stream(b, client, server)
	go echo(far)
	roundTrips(b, near)
}

// BenchmarkPipeRoundTrip is BenchmarkRoundTrip without a session.
func BenchmarkPipeRoundTrip(b *testing.B) {
	near, far := filePipe(b)
	go echo(far)
	roundTrips(b, near)
}

func BenchmarkSmallItems(b *testing.B) {
	client, server := pair(b, filePipe, nil)
	near, far := stream(b, client, server)
	read := during(func() { io.Copy(io.Discard, far) })
	w := NewWriter(near)
	ctx := context.Background()
	b.SetBytes(8)
	for b.Loop() {
		buf, err := w.Begin(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if err := w.Commit(ctx, append(buf, "8 bytes."...)); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Drain(ctx); err != nil {
		b.Fatal(err)
	}
	near.Close()
	<-read
}

func bulk(b *testing.B, size int, w io.WriteCloser, r io.Reader) {
	read := during(func() { io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, 64<<10)) })
	buf := make([]byte, size)
	b.SetBytes(int64(size))
	for b.Loop() {
		if _, err := w.Write(buf); err != nil {
			b.Fatal(err)
		}
	}
	w.Close()
	<-read
}

var bulkSizes = []int{4 << 10, 32 << 10, 64 << 10, 1 << 20}

func BenchmarkBulk(b *testing.B) {
	for _, size := range bulkSizes {
		b.Run(fmt.Sprint(size>>10, "KiB"), func(b *testing.B) {
			client, server := pair(b, filePipe, nil)
			near, far := stream(b, client, server)
			bulk(b, size, near, far)
		})
	}
}

// BenchmarkPipeBulk is BenchmarkBulk without a session.
func BenchmarkPipeBulk(b *testing.B) {
	for _, size := range bulkSizes {
		b.Run(fmt.Sprint(size>>10, "KiB"), func(b *testing.B) {
			near, far := filePipe(b)
			bulk(b, size, near, far)
		})
	}
}

// BenchmarkOpenClose opens a stream, asks, gets the answer and both ends.
func BenchmarkOpenClose(b *testing.B) {
	client, server := pair(b, filePipe, nil)
	go func() {
		for {
			st, err := server.Accept(context.Background())
			if err != nil {
				return
			}
			go func() {
				echo(st)
				st.Close()
			}()
		}
	}()
	ctx := testContext(b)
	for b.Loop() {
		st, err := client.Open(ctx)
		if err != nil {
			b.Fatal(err)
		}
		roundTrip(b, st)
		st.Close()
	}
}

func roundTrip(b *testing.B, rw io.ReadWriter) {
	buf := make([]byte, 8)
	if _, err := rw.Write(buf); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(rw, buf); err != nil {
		b.Fatal(err)
	}
}
