package ssh_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
	"github.com/luagw/luagw/internal/testlink"
)

const (
	fillers = 25
	openSSH = "SSH-2.0-OpenSSH_9.2"
)

// longLink is a link on which it counts how often one waits.
func longLink(t *testing.T) *testlink.Link {
	t.Helper()
	if testing.Short() {
		t.Skip("short: waits for a long link")
	}
	link, err := testlink.New(testlink.Options{Delay: 50 * time.Millisecond, Eager: true, MTU: 1500})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.Close() })
	return link
}

// TestFillSegment: a segment is filled where that saves something.
func TestFillSegment(t *testing.T) {
	link := longLink(t)
	byOthers := func(ctx context.Context, network, addr string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	for _, tt := range []struct {
		name    string
		version string
		near    bool
		dial    func(ctx context.Context, network, addr string) (net.Conn, error)
		want    int32
	}{
		{"OpenSSH", openSSH, false, nil, fillers},
		{"another server", "SSH-2.0-luagw", false, nil, 0},
		{"near", openSSH, true, nil, 0},
		{"not dialled here", openSSH, false, byOthers, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int32
			options := sshtest.Options{Version: tt.version, Delay: func(what string) {
				if what == "fill@luagw.invalid" {
					asked.Add(1)
				}
			}}
			if !tt.near {
				var err error
				if options.Listener, err = link.Listen("0"); err != nil {
					t.Fatal(err)
				}
			}
			s := sshtest.Start(t, options)
			d := dialer(t)
			d.NetDial = tt.dial
			for _, opts := range []ssh.RunOptions{{}, {Ahead: aheadVar}} {
				asked.Store(0)
				conn, err := run(t, d, s.Spec(), longCommand("cat"), opts)
				if err != nil {
					t.Fatal(err)
				}
				io.WriteString(conn, "x") // comes back a round trip after all that was sent before
				if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
					t.Fatal(err)
				}
				conn.Close()
				if n := asked.Load(); n != tt.want {
					t.Errorf("%d channels were asked for behind the session, want %d", n, tt.want)
				}
			}
		})
	}
}

// TestFillSegmentSshd: a session is opened in one round trip, again and again, and
// sshd logs no more than without.
func TestFillSegmentSshd(t *testing.T) {
	const trip = 100 * time.Millisecond
	link := longLink(t)
	s := sshtest.StartSshdAt(t, sshtest.Place{Addr: link.Far.String(), Command: link.Command})
	d := dialer(t)
	quick := 0
	for range 5 {
		client, err := d.Connect(inTime(t), parse(t, s.Spec()))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		conn, err := client.Run(inTime(t), longCommand("true"), ssh.RunOptions{})
		took := time.Since(began)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if t.Logf("open after %v", took); took < 2*trip {
			quick++
		}
	}
	if quick < 3 { // the machine may be busy now and then
		t.Errorf("%d of 5 sessions were open within a round trip", quick)
	}
	for line := range strings.Lines(s.Log()) {
		if strings.Contains(line, "channel") || strings.Contains(line, "fill") {
			t.Errorf("sshd logs %q", line)
		}
	}
}

// TestFillSegmentClose closes while the refusals are on their way, and with a
// session that is refused. Nothing is left: TestMain looks.
func TestFillSegmentClose(t *testing.T) {
	link := longLink(t)
	s := sshtest.StartSshdAt(t, sshtest.Place{Addr: link.Far.String(), Command: link.Command}, "MaxSessions 0")
	_, err := run(t, dialer(t), s.Spec(), "true", ssh.RunOptions{})
	wantSentence(t, s.Site, err, "spawn: "+s.Host+" port PORT does not open a session: open failed; it may allow no more of them (MaxSessions)")
	for i := range 4 {
		conn, err := run(t, dialer(t), s.Spec(), "true", ssh.RunOptions{Ahead: aheadVar})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 40 * time.Millisecond)
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}
