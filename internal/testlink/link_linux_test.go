package testlink

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"
)

func newLink(t *testing.T, opts Options) *Link {
	t.Helper()
	l, err := New(opts)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// roundTrip is how long a connection to a port where nobody listens takes to be
// refused, by the far end.
func roundTrip(t *testing.T, l *Link) time.Duration {
	t.Helper()
	start := time.Now()
	d := net.Dialer{Timeout: 5 * time.Second}
	conn, err := d.Dial("tcp", netip.AddrPortFrom(l.Far, 9).String())
	if err == nil {
		conn.Close()
		t.Fatal("somebody listens at the discard port")
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		t.Fatalf("no answer: %v", err)
	}
	return time.Since(start)
}

func TestDelay(t *testing.T) {
	l := newLink(t, Options{Delay: 30 * time.Millisecond})
	if took := roundTrip(t, l); took < 60*time.Millisecond || took > 2*time.Second {
		t.Errorf("a round trip took %v, want 60ms or a little more", took)
	}
	if n := l.Packets(); n < 2 {
		t.Errorf("%d packets, want those of a connection that is refused", n)
	}
}

func TestCut(t *testing.T) {
	l := newLink(t, Options{})
	roundTrip(t, l)
	l.Cut(true)
	d := net.Dialer{Timeout: 200 * time.Millisecond}
	if conn, err := d.Dial("tcp", netip.AddrPortFrom(l.Far, 9).String()); err == nil {
		conn.Close()
		t.Error("a connection through a link that is cut")
	} else if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() {
		t.Errorf("got %v, want no answer", err)
	}
	l.Cut(false)
	roundTrip(t, l)
}

func TestRate(t *testing.T) {
	const rate, size = 80e6, 4 << 20 // bits a second, bytes
	l := newLink(t, Options{Rate: rate})
	near, err := net.Listen("tcp", netip.AddrPortFrom(l.Near, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	port := near.Addr().(*net.TCPAddr).AddrPort()
	cmd := l.Command("sh", "-c", "command -v bash >/dev/null || exit 9; exec bash -c 'head -c $1 /dev/zero >/dev/tcp/$2/$3' sh \"$@\"",
		"sh", "4194304", port.Addr().String(), strconv.Itoa(int(port.Port())))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	near.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
	conn, err := near.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	start := time.Now()
	n, err := io.Copy(io.Discard, conn)
	if n != size || err != nil {
		t.Fatalf("%d bytes, %v; want %d", n, err, size)
	}
	if took, least := time.Since(start), time.Duration(size*8/rate*0.7*float64(time.Second)); took < least {
		t.Errorf("%d bytes took %v, want about %v", size, took, least)
	}
}

// TestEager sends at once what a connection would usually take a few round trips
// for.
func TestEager(t *testing.T) {
	const size, delay = 1 << 20, 100 * time.Millisecond
	l := newLink(t, Options{Delay: delay, Eager: true})
	listener, err := l.Listen("0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	came := make(chan time.Duration, 1)
	go func() { // ends with what it reads
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		began := time.Now()
		n, _ := io.Copy(io.Discard, conn)
		if n == size {
			came <- time.Since(began)
		}
		close(came)
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.Write(make([]byte, size))
	conn.Close()
	select {
	case took, ok := <-came:
		if !ok || took > 3*delay {
			t.Errorf("%d bytes came %v after the connection (all of them: %v), want about %v", size, took, ok, delay)
		}
	case <-time.After(10 * time.Second):
		t.Error("they do not come")
	}
}
