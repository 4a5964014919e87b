//go:build unix

package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// listen returns a listener that is closed with the test.
func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// echo sends back what comes, once all has come.
func echo(listener net.Listener) {
	conn, err := listener.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	all, _ := io.ReadAll(conn)
	conn.Write(all)
}

func dialPort(ctx context.Context, listener net.Listener, addrs ...netip.Addr) (io.ReadWriteCloser, error) {
	return DialTCP(ctx, addrs, listener.Addr().(*net.TCPAddr).Port)
}

var loopback = netip.MustParseAddr("127.0.0.1")

func TestDial(t *testing.T) {
	for _, tt := range []struct {
		name string
		dial func(t *testing.T) (net.Listener, func() (io.ReadWriteCloser, error))
	}{
		{"tcp", func(t *testing.T) (net.Listener, func() (io.ReadWriteCloser, error)) {
			listener := listen(t, "tcp", "127.0.0.1:0")
			return listener, func() (io.ReadWriteCloser, error) { return dialPort(bounded(t), listener, loopback) }
		}},
		{"the second address", func(t *testing.T) (net.Listener, func() (io.ReadWriteCloser, error)) {
			listener := listen(t, "tcp", "127.0.0.1:0")
			return listener, func() (io.ReadWriteCloser, error) {
				return dialPort(bounded(t), listener, netip.MustParseAddr("127.0.0.2"), loopback)
			}
		}},
		{"unix", func(t *testing.T) (net.Listener, func() (io.ReadWriteCloser, error)) {
			path := filepath.Join(t.TempDir(), "s")
			return listen(t, "unix", path), func() (io.ReadWriteCloser, error) { return DialUnix(bounded(t), path) }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			listener, dial := tt.dial(t)
			served := make(chan struct{})
			go func() { // ends with the connection
				defer close(served)
				echo(listener)
			}()
			conn, err := dial()
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Repeat("0123456789", 1<<17) // more than buffers hold
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatal(err)
			}
			if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(conn); string(got) != text || err != nil {
				t.Errorf("got %d bytes, %v; want %d", len(got), err, len(text))
			}
			conn.Close()
			<-served
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Read after Close: %v, want net.ErrClosed", err)
			}
		})
	}
}

func TestCloseEndsRead(t *testing.T) {
	listener := listen(t, "tcp", "127.0.0.1:0")
	conn, err := dialPort(bounded(t), listener, loopback)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { // ends with the connection
		_, err := conn.Read(make([]byte, 1))
		failed <- err
	}()
	conn.Close()
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want net.ErrClosed", err)
	}
}

func TestDialRefused(t *testing.T) {
	listener := listen(t, "tcp", "127.0.0.1:0")
	listener.Close()
	if _, err := dialPort(bounded(t), listener, loopback); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("got %v, want ECONNREFUSED", err)
	}
	if _, err := DialUnix(bounded(t), "/nonexistent/s"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("got %v, want ENOENT", err)
	}
}

// TestDialIsBounded fills the queue of a Unix socket that nobody accepts from.
func TestDialIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for range 16 { // more than any system rounds 0 up to
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		conn, err := DialUnix(ctx, path)
		cancel()
		if err != nil {
			if !strings.Contains(err.Error(), "no answer in time") && !errors.Is(err, unix.ECONNREFUSED) {
				t.Errorf("got %v, want that no answer came", err)
			}
			return
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Error("a queue for none took 16 connections")
}

func TestZone(t *testing.T) {
	if n, err := zoneID("7"); n != 7 || err != nil {
		t.Errorf("got %d, %v; want 7", n, err)
	}
	if _, err := zoneID("nocard0"); err == nil {
		t.Error("got no error for a network interface that is not there")
	}
}

// files writes an /etc/hosts and an /etc/resolv.conf.
func files(t *testing.T, hosts, resolv string) *resolver {
	t.Helper()
	dir := t.TempDir()
	r := &resolver{filepath.Join(dir, "hosts"), filepath.Join(dir, "resolv.conf")}
	err := os.WriteFile(r.hosts, []byte(hosts), 0o600)
	if err == nil {
		err = os.WriteFile(r.resolv, []byte(resolv), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLookupWithoutServers(t *testing.T) {
	r := files(t, `
		# comment
		10.0.0.1  web1.example.org web1 # the first
		fd00::1   web1
		10.0.0.2  other
		nonsense  web1`, "")
	for _, tt := range []struct{ host, want string }{
		{"192.0.2.7", "192.0.2.7"},
		{"fe80::1%3", "fe80::1%3"},
		{"web1", "10.0.0.1 fd00::1"},
		{"WEB1.example.ORG.", "10.0.0.1"},
		{"localhost", "127.0.0.1 ::1"},
	} {
		t.Run(tt.host, func(t *testing.T) {
			addrs, err := r.lookup(bounded(t), tt.host)
			if got := text(addrs); got != tt.want || err != nil {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func text(addrs []netip.Addr) string {
	var words []string
	for _, addr := range addrs {
		words = append(words, addr.String())
	}
	return strings.Join(words, " ")
}
