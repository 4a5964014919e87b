//go:build unix

package server

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// TestPortScanners try what they know, and nothing comes of it.
func TestPortScanners(t *testing.T) {
	b := newBed(t, func(b *bed) { b.LoginTime = 200 * time.Millisecond })
	for _, tt := range []struct{ name, says string }{
		{"hangs up", ""},
		{"web", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"tls", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"},
		{"zeros", strings.Repeat("\x00", 4096)},
		{"endless first line", "SSH-2.0-" + strings.Repeat("x", 1<<20)},
		{"many first lines", strings.Repeat("hello\r\n", 1<<15)},
		{"old protocol", "SSH-1.5-scanner\r\n"},
		{"huge packet", "SSH-2.0-x\r\n\xff\xff\xff\xff\x04" + strings.Repeat("a", 100)},
		{"no padding", "SSH-2.0-x\r\n\x00\x00\x00\x01\x00"},
		{"execnet", "import socket\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", b.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			go func() {
				io.WriteString(conn, tt.says)
				conn.(*net.TCPConn).CloseWrite()
			}()
			if _, err := io.Copy(io.Discard, conn); err != nil && !isReset(err) {
				t.Errorf("got %v, want to be hung up on", err)
			}
		})
	}
	if audit := b.audit(t); audit != "" {
		t.Errorf("scanners fill the audit: %s", audit)
	}
}

func isReset(err error) bool {
	return strings.Contains(err.Error(), unix.ECONNRESET.Error()) || strings.Contains(err.Error(), unix.EPIPE.Error())
}

// TestSilentConnections opens ten thousand connections that say nothing; others
// are served, and nothing grows.
func TestSilentConnections(t *testing.T) {
	b := newBed(t, nil)
	many := 10_000
	if testing.Short() {
		many = 1000
	}
	before := runtime.NumGoroutine()
	var held []net.Conn
	defer func() {
		for _, conn := range held {
			conn.Close()
		}
	}()
	for i := range many {
		conn, err := net.Dial("tcp", b.addr)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		held = append(held, conn)
		if i >= 500 { // as a flood would, let the oldest go
			held[0].Close()
			held = held[1:]
		}
	}
	// Two goroutines for a connection that is let in, and none for others.
	if now, most := runtime.NumGoroutine(), before+4*maxVisitors; now > most {
		t.Errorf("%d goroutines, want %d at most", now, most)
	}
	eventually(t, "a fragment runs, once the silent ones have had their chance", func() bool {
		got, err := call(t, b.group(t, "", b.key), "return 42")
		return err == nil && got[0] == int64(42)
	})
}

// TestSlowBytes sends one byte after the other, and is cut off all the same.
func TestSlowBytes(t *testing.T) {
	b := newBed(t, func(b *bed) { b.LoginTime = 300 * time.Millisecond })
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	begun := time.Now()
	for time.Since(begun) < patience {
		if _, err := conn.Write([]byte("S")); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("it goes on")
}

// TestSilentAfterLogin has a key, logs in, and asks for nothing.
func TestSilentAfterLogin(t *testing.T) {
	b := newBed(t, func(b *bed) { b.LoginTime = 500 * time.Millisecond })
	client, err := b.login("", b.key)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ended := make(chan struct{})
	go func() { client.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("it goes on")
	}
}

// TestReplay says again what a client said that had the key.
func TestReplay(t *testing.T) {
	b := newBed(t, nil)
	raw, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	heard := &recorder{Conn: raw}
	conn, channels, requests, err := ssh.NewClientConn(heard, b.addr, &ssh.ClientConfig{
		Auth: []ssh.AuthMethod{ssh.PublicKeys(b.key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := subsystem(ssh.NewClient(conn, channels, requests)); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	eventually(t, "the end of the first", func() bool { return strings.Contains(b.audit(t), `"event":"close"`) })

	again, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	again.SetDeadline(time.Now().Add(patience))
	go again.Write(heard.said.Bytes())
	if _, err := io.Copy(io.Discard, again); err != nil && !isReset(err) {
		t.Errorf("got %v, want to be hung up on", err)
	}
	if n := strings.Count(b.audit(t), `"event":"open"`); n != 1 {
		t.Errorf("%d gateways were opened, want 1", n)
	}
}

type recorder struct {
	net.Conn
	said bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.said.Write(p)
	return r.Conn.Write(p)
}

// TestRefusalsAreBounded tries many wrong keys; the audit does not take them all.
func TestRefusalsAreBounded(t *testing.T) {
	a := &Audit{Path: t.TempDir() + "/audit"}
	const tries = 1000
	begun := time.Now()
	for i := range tries {
		if err := a.refuse(Record{Error: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	most := maxRefusals * (int(time.Since(begun)/time.Second) + 2)
	data, err := os.ReadFile(a.Path)
	if n := bytes.Count(data, []byte("\n")); err != nil || n > most || n == 0 {
		t.Errorf("%d lines of %d, %v; want %d at most", n, tries, err, most)
	}
}

// visit is a connection from somewhere.
type visit struct {
	net.Conn
	from   string
	closed bool
}

func (v *visit) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(v.from))
}
func (v *visit) Close() error { v.closed = true; return nil }

func TestDoor(t *testing.T) {
	start := time.Now()
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	d := &door{most: 4, perSource: 3, chance: 2 * time.Second}
	enter := func(from string, seconds int) (*visit, *visitor) {
		v := &visit{from: from}
		return v, d.enter(v, at(seconds))
	}
	first, _ := enter("10.0.0.1:1", 0)
	second, secondIn := enter("10.0.0.1:2", 0)
	enter("10.0.0.1:3", 0)
	if _, in := enter("10.0.0.1:4", 1); in != nil {
		t.Error("one too many from an address was let in, and the others were too new to go")
	}
	if _, in := enter("10.0.0.2:1", 1); in == nil {
		t.Error("another address was not let in")
	}
	if _, in := enter("10.0.0.3:1", 1); in != nil {
		t.Error("one too many was let in")
	}
	if _, in := enter("10.0.0.3:1", 2); in == nil || !first.closed || second.closed {
		t.Errorf("the oldest of the busiest did not make room: first closed %v, second closed %v", first.closed, second.closed)
	}
	d.leave(secondIn)
	if _, in := enter("10.0.0.4:1", 2); in == nil {
		t.Error("who left has left no room")
	}
	d.leave(secondIn) // twice is once
	if d.count != 4 {
		t.Errorf("count is %d, want 4", d.count)
	}
}

func TestDoorTakesANetworkForOne(t *testing.T) {
	d := &door{most: 100, perSource: 1, chance: time.Hour}
	for i, tt := range []struct {
		from string
		want bool
	}{
		{"[2001:db8::1]:5", true}, {"[2001:db8::2]:5", false}, {"[2001:db8:0:1::2]:5", true}, {"[::ffff:10.0.0.1]:5", true}, {"10.0.0.1:6", false},
	} {
		if in := d.enter(&visit{from: tt.from}, time.Now()); (in != nil) != tt.want {
			t.Errorf("%d: %s was let in: %v, want %v", i, tt.from, in != nil, tt.want)
		}
	}
}
