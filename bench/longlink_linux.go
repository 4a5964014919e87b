package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/luagw/luagw/internal/testlink"
)

// longLink is 100 ms there and back, and 1 Gbit/s each way.
var longLink = testlink.Options{Delay: 50 * time.Millisecond, Rate: 1e9}

// linkJobs are those over the long link. The bare peer is a TCP connection.
func linkJobs() []*job {
	return []*job{
		{
			name: "ssh over 100 ms and 1 Gbit/s: strings of 1 MiB, to the near side; bare: TCP", unit: byteRate,
			bars:  []bar{{byBare, 0.5, 0.9}},
			luagw: onLink(onSSH(bytesIn)), bare: onLink(linkEcho("write", bareBytesIn)),
		},
		{
			name: "ssh over 100 ms and 1 Gbit/s: strings of 1 MiB, to the far side; bare: TCP", unit: byteRate,
			bars:  []bar{{byBare, 0.5, 0.9}},
			luagw: onLink(onSSH(bytesOut)), bare: onLink(linkEcho("read", bareBytesOut)),
		},
	}
}

// onLink has a job use the far end of the link, which is made when it is needed
// first.
func onLink(work siteJob) starter {
	return func(ctx context.Context, b *bench) (*runner, error) {
		if b.far == nil {
			link, err := testlink.New(longLink)
			if err != nil {
				return nil, err
			}
			b.closers = append(b.closers, func() { link.Close() })
			b.far, err = newSite(ctx, []string{link.Far.String()}, link.Namespace)
			if err != nil {
				return nil, err
			}
			b.closers = append(b.closers, b.far.close)
		}
		return work(ctx, b, b.far)
	}
}

// linkEcho is the bare child at the other end of a TCP connection.
func linkEcho(mode string, work func(c *child, n int) (float64, error)) siteJob {
	return func(ctx context.Context, b *bench, s *site) (*runner, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		addr := fmt.Sprintf("%s:%d", s.hosts[0], port)
		server := exec.Command("ip", "netns", "exec", s.netns, self, b.echo, mode)
		server.Env = append(os.Environ(), listenVar+"="+addr)
		server.Stderr = os.Stderr
		if err := server.Start(); err != nil {
			return nil, err
		}
		conn, err := dialUntil(ctx, addr)
		if err != nil {
			server.Process.Kill()
			return nil, errors.Join(err, server.Wait())
		}
		c := &child{cmd: server, in: conn, out: conn, buf: make([]byte, mib)}
		return &runner{measure: c.bounded(work), close: c.close}, nil
	}
}

// dialUntil waits for somebody to listen.
func dialUntil(ctx context.Context, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}
