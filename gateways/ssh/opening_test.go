package ssh_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

const aheadVar = "LC_AHEAD"

// held starts a server that opens no session before it is released.
func held(t *testing.T, options sshtest.Options) (s *sshtest.Server, release func()) {
	t.Helper()
	held := make(chan struct{})
	options.Delay = func(request string) {
		if request == "session" {
			<-held
		}
	}
	return sshtest.Start(t, options), func() { close(held) }
}

// TestAhead: what is written before the session is open is in the variable, as
// far as it fits there, and in the standard input in any case.
func TestAhead(t *testing.T) {
	for _, test := range []struct {
		name  string
		size  int
		takes bool // the server takes variables
		there bool // the variable is there
	}{
		{"little", 100, true, true},
		{"nothing", 0, true, false},
		{"as much as fits", 16 << 10, true, true},
		{"too much", 16<<10 + 1, true, false},
		{"the server takes no variables", 100, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, release := held(t, sshtest.Options{SendEnv: test.takes})
			conn, err := run(t, dialer(t), s.Spec(), longCommand(`echo "<$`+aheadVar+`>"; cat`), ssh.RunOptions{Ahead: aheadVar})
			if err != nil {
				t.Fatal(err)
			}
			data := make([]byte, test.size)
			rand.Read(data)
			for _, part := range [][]byte{data[:test.size/3], data[test.size/3:]} {
				if n, err := conn.Write(part); n != len(part) || err != nil {
					t.Fatalf("Write = %d, %v", n, err)
				}
			}
			release()
			begin := make([]byte, 1)
			if _, err := io.ReadFull(conn, begin); err != nil {
				t.Fatal(err)
			}
			go func() { // ends with the connection
				conn.Write([]byte("behind"))
				conn.(interface{ CloseWrite() error }).CloseWrite()
			}()
			variable := ""
			if test.there {
				variable = base64.RawURLEncoding.EncodeToString(data)
			}
			want := "<" + variable + ">\n" + string(data) + "behind"
			got, err := io.ReadAll(conn)
			if got = append(begin, got...); err != nil || string(got) != want {
				t.Errorf("got %d bytes, %v; want %d", len(got), err, len(want))
			}
		})
	}
}

// TestMuchAhead: no more is kept than there is room for, and all of it arrives.
func TestMuchAhead(t *testing.T) {
	s, release := held(t, sshtest.Options{})
	conn, err := run(t, dialer(t), s.Spec(), longCommand("cat"), ssh.RunOptions{Ahead: aheadVar})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 1<<20)
	rand.Read(data)
	if n, err := conn.Write(data[:64<<10]); n != 64<<10 || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
	written := make(chan error, 1)
	go func() {
		_, err := conn.Write(data[64<<10:])
		written <- errors.Join(err, conn.(interface{ CloseWrite() error }).CloseWrite())
	}()
	select {
	case err := <-written:
		t.Fatalf("Write returned %v, want it to wait", err)
	case <-time.After(50 * time.Millisecond): // it may not have begun: the test is good for that too
	}
	release()
	if got, err := io.ReadAll(conn); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v; want the %d that were written", len(got), err, len(data))
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// TestCloseWhileOpening: Close does not wait for the session, and ends all that
// does.
func TestCloseWhileOpening(t *testing.T) {
	s, release := held(t, sshtest.Options{})
	defer release()
	conn, err := run(t, dialer(t), s.Spec(), longCommand("cat"), ssh.RunOptions{Ahead: aheadVar})
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 3)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		errs <- err
	}()
	go func() {
		_, err := conn.Write(make([]byte, 65<<10))
		errs <- err
	}()
	go func() { errs <- conn.(interface{ CloseWrite() error }).CloseWrite() }()
	began := time.Now()
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	for range 3 {
		err := <-errs
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want net.ErrClosed", err)
		}
		wantSentence(t, s.Site, err, `spawn: 127.0.0.1 port PORT has not opened a session yet`)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestCloseAnyTime closes at each stage of a session's opening, and leaves nothing
// behind: TestMain looks.
func TestCloseAnyTime(t *testing.T) {
	for _, stage := range []string{"", "session", "env", "exec"} {
		reached := make(chan string, 64)
		s := sshtest.Start(t, sshtest.Options{SendEnv: true, Delay: func(request string) { reached <- request }})
		conn, err := run(t, dialer(t), s.Spec(), longCommand("cat"), ssh.RunOptions{Ahead: aheadVar})
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "ahead")
		for at := ""; at != stage; {
			select {
			case at = <-reached:
			case <-inTime(t).Done():
				t.Fatalf("the server has not come to %q", stage)
			}
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if _, err := conn.Read(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want net.ErrClosed", err)
		}
	}
}

// TestOpeningProgress: as long as the session is being opened, the time of what
// comes then has not begun.
func TestOpeningProgress(t *testing.T) {
	s, release := held(t, sshtest.Options{})
	conn, err := run(t, dialer(t), s.Spec(), longCommand("echo open; cat"), ssh.RunOptions{Ahead: aheadVar})
	if err != nil {
		t.Fatal(err)
	}
	boot := conn.(luagw.Bootstrapper)
	first := boot.Progress()
	second := boot.Progress()
	if first == second {
		t.Error("Progress does not change while the session is opened")
	}
	release()
	if _, err := io.ReadFull(conn, make([]byte, len("open\n"))); err != nil {
		t.Fatal(err)
	}
	third := boot.Progress()
	if third == second {
		t.Error("Progress does not change when the session is open")
	}
	if fourth := boot.Progress(); fourth != third {
		t.Error("Progress changes when the session is open")
	}
}

// TestAheadMaxSessions has the real server's words.
func TestAheadMaxSessions(t *testing.T) {
	s := sshtest.StartSshd(t, "MaxSessions 0", "AcceptEnv LC_*")
	conn, err := run(t, dialer(t), s.Spec(), "true", ssh.RunOptions{Ahead: aheadVar})
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(conn)
	wantSentence(t, s.Site, err, `spawn: 127.0.0.1 port PORT does not open a session: open failed; it may allow no more of them (MaxSessions)`)
}

// TestAheadSshd: the variable as the real server takes it.
func TestAheadSshd(t *testing.T) {
	s := sshtest.StartSshd(t, "AcceptEnv LANG LC_*")
	conn, err := run(t, dialer(t), s.Spec(), longCommand(`printf %s "$`+aheadVar+`" | wc -c; wc -c`), ssh.RunOptions{Ahead: aheadVar})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 16<<10)
	if _, err := conn.Write(data); err != nil {
		t.Fatal(err)
	}
	conn.(interface{ CloseWrite() error }).CloseWrite()
	out, err := io.ReadAll(conn)
	if fields := strings.Fields(string(out)); err != nil || len(fields) != 2 || fields[0] != "21846" || fields[1] != "16384" {
		t.Errorf("got %q, %v; want 21846 and 16384 bytes", out, err)
	}
}
