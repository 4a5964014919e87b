package ssh_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

func exitOf(t testing.TB, conn io.ReadWriteCloser) luagw.Exit {
	t.Helper()
	return conn.(luagw.Exiter).Exit(inTime(t))
}

// TestExit: how a command ends, and its last words.
func TestExit(t *testing.T) {
	s := sshtest.StartSshd(t)
	for _, test := range []struct {
		command string
		want    luagw.Exit
	}{
		{"exit 0", luagw.Exit{}},
		{"echo why >&2; exit 3", luagw.Exit{Code: 3, Stderr: "why\n"}},
		{"kill -9 $$", luagw.Exit{Code: -1, Signal: "killed"}},
	} {
		for _, command := range []string{test.command, longCommand("(" + test.command + "); exit $?")} {
			if test.want.Signal != "" && len(command) > 100 {
				continue // the shell in between makes a status of it
			}
			conn, err := run(t, dialer(t), s.Spec(), command, ssh.RunOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if out, err := io.ReadAll(conn); err != nil || len(out) > 0 {
				t.Errorf("%s: got %q, %v", test.command, out, err)
			}
			if got := exitOf(t, conn); got != test.want {
				t.Errorf("%s: got %+v, want %+v", test.command, got, test.want)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			if got := exitOf(t, conn); got != test.want {
				t.Errorf("%s, after Close: got %+v, want %+v", test.command, got, test.want)
			}
		}
	}
}

// TestWriteAtOnce: what is written before the answer to the command arrives
// behind it, every byte.
func TestWriteAtOnce(t *testing.T) {
	t.Parallel()
	s := sshtest.StartSshd(t)
	data := make([]byte, 3<<20)
	rand.Read(data)
	for range 5 {
		conn, err := run(t, dialer(t), s.Spec(), longCommand("cat"), ssh.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn.Write(data)
			conn.(interface{ CloseWrite() error }).CloseWrite()
		}()
		got, err := io.ReadAll(conn)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("got %d bytes, %v; want the %d that were sent", len(got), err, len(data))
		}
	}
}

// TestNoRoundTrip: Run does not wait for the answer to a long command.
func TestNoRoundTrip(t *testing.T) {
	release := make(chan struct{})
	s := sshtest.Start(t, sshtest.Options{Delay: func(request string) {
		if request == "exec" {
			<-release
		}
	}})
	conn, err := run(t, dialer(t), s.Spec("timeout=5s"), longCommand("cat"), ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "ahead\n"); err != nil {
		t.Fatal(err)
	}
	close(release)
	buf := make([]byte, 16)
	if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "ahead\n" {
		t.Errorf("got %q, %v", buf[:n], err)
	}
}

// lines hands on what is written to it.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestStderrAsItComes(t *testing.T) {
	s := sshtest.StartSshd(t)
	seen := make(lines, 10)
	conn, err := run(t, dialer(t), s.Spec(), "echo 'password?' >&2; read x; echo $x", ssh.RunOptions{Stderr: seen})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-seen:
		if got != "password?\n" {
			t.Errorf("got %q", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came to Stderr")
	}
	io.WriteString(conn, "sesame\n")
	if out, err := io.ReadAll(conn); string(out) != "sesame\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

// TestTerminal: a terminal passes all bytes as they are.
func TestTerminal(t *testing.T) {
	s := sshtest.StartSshd(t)
	conn, err := run(t, dialer(t), s.Spec(), "test -t 0 && test -t 1 && echo yes && head -c 256", ssh.RunOptions{PTY: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []byte("yes\n")
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	buf := make([]byte, 4)
	if _, err := io.ReadFull(conn, buf); err != nil || !bytes.Equal(buf, want) {
		t.Fatalf("got %q, %v, want %q", buf, err, want)
	}
	if _, err := conn.Write(all); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(all))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, all) {
		t.Errorf("got %q, %v\nwant %q", got, err, all)
	}
}

func TestTerminalRefused(t *testing.T) {
	s := sshtest.StartSshd(t, "PermitTTY no")
	_, err := run(t, dialer(t), s.Spec(), "true", ssh.RunOptions{PTY: true})
	wantSentence(t, s.Site, err, `spawn: 127.0.0.1 port PORT gives no terminal: it says no`)
}

func TestEnvironment(t *testing.T) {
	s := sshtest.StartSshd(t, "AcceptEnv LUAGW_*")
	t.Setenv("LUAGW_SENT", "from here")
	t.Setenv("LUAGW_SET", "not this one, because SetEnv comes last")
	s.AddConfig("SendEnv LUAGW_SE*", `SetEnv LUAGW_SET="a b" LUAGW_TOO=c`)
	out, err := output(t, dialer(t), s.Spec(), `echo "$LUAGW_SENT $LUAGW_SET $LUAGW_TOO"`)
	if err != nil || out != "from here a b c\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestSubsystem(t *testing.T) {
	s := sshtest.StartSshd(t, "Subsystem where echo here")
	c, err := dialer(t).Connect(inTime(t), parse(t, s.Spec()))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.Subsystem(inTime(t), "where", ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if out, err := io.ReadAll(conn); err != nil || string(out) != "here\n" {
		t.Errorf("got %q, %v", out, err)
	}
	c, err = dialer(t).Connect(inTime(t), parse(t, s.Spec()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Subsystem(inTime(t), "elsewhere", ssh.RunOptions{})
	wantSentence(t, s.Site, err, `spawn: 127.0.0.1 port PORT does not run the command: the server refuses: it has no subsystem "elsewhere", or cannot start a process`)
}

// TestCloseStubborn: a command that does not end with its input is left behind
// in time, and so is a host that says nothing any more.
func TestCloseStubborn(t *testing.T) {
	for name, freeze := range map[string]bool{"the command ignores it": false, "the host is silent": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sshtest.Start(t, sshtest.Options{Run: func(_ string, _ bool, c gossh.Channel) int {
				io.WriteString(c, "x")
				for {
					if _, err := c.Write(nil); err != nil {
						return 1
					}
					if _, err := c.SendRequest("ping", true, nil); err != nil {
						return 1
					}
					time.Sleep(10 * time.Millisecond)
				}
			}})
			conn, err := run(t, dialer(t), s.Spec(), "stubborn", ssh.RunOptions{})
			if err != nil {
				t.Fatal(err)
			}
			conn.Read(make([]byte, 1))
			if freeze {
				s.Freeze()
			}
			begin := time.Now()
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			if took := time.Since(begin); took < time.Second || took > 10*time.Second {
				t.Errorf("Close took %v, want about 2s", took)
			}
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, luagw.ErrClosed) {
				t.Errorf("Read after Close: got %v", err)
			}
			if _, err := conn.Write([]byte("x")); !errors.Is(err, luagw.ErrClosed) {
				t.Errorf("Write after Close: got %v", err)
			}
		})
	}
}

// TestCloseConcurrent: Close ends a Read, and may come from all sides.
func TestCloseConcurrent(t *testing.T) {
	s := sshtest.StartSshd(t)
	conn, err := run(t, dialer(t), s.Spec(), "cat", ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("Read: no error")
		}
	})
	for range 4 {
		all.Go(func() { conn.Close() })
	}
	all.Wait()
}

// TestBlockedWrite: Close ends a Write for which the command takes nothing.
func TestBlockedWrite(t *testing.T) {
	t.Parallel()
	s := sshtest.StartSshd(t)
	conn, err := run(t, dialer(t), s.Spec(), "sleep 60", ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		_, err := conn.Write(make([]byte, 64<<20))
		written <- err
	}()
	time.Sleep(100 * time.Millisecond) // it may not have begun: the test is good for that too
	conn.Close()
	select {
	case err := <-written:
		if err == nil {
			t.Error("Write: no error")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Write is still there")
	}
}

// TestClientClose: a client with which nothing is run.
func TestClientClose(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	c, err := dialer(t).Connect(inTime(t), parse(t, s.Spec()))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestManyAtOnce: more gateways at a time than an sshd wants to let in. It drops
// half of those above two, and all above five.
func TestManyAtOnce(t *testing.T) {
	s := sshtest.StartSshd(t, "MaxStartups 2:50:5")
	count := 24
	if testing.Short() {
		count = 8
	}
	d := dialer(t)
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c, err := d.Connect(ctx, parse(t, s.Spec("timeout=30s")))
			if err != nil {
				t.Error(err)
				return
			}
			conn, err := c.Run(ctx, fmt.Sprint("echo ", i), ssh.RunOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if out, err := io.ReadAll(conn); err != nil || strings.TrimSpace(string(out)) != fmt.Sprint(i) {
				t.Errorf("%d: got %q, %v", i, out, err)
			}
		})
	}
	all.Wait()
}

// TestCutAnywhere: a connection that ends after any number of bytes is an error
// and no hang, and leaves nothing behind.
func TestCutAnywhere(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	step := 97
	if testing.Short() {
		step = 1009
	}
	finished := false
	for most := 1; most < 6000 && !finished; most += step {
		d := dialer(t)
		d.NetDial = cutAfter(most)
		out, err := output(t, d, s.Spec("timeout=1s"), longCommand("echo fine"))
		finished = err == nil && out == "fine\n"
		if _, ok := errors.AsType[*luagw.OpenError](err); !finished && !ok && !strings.Contains(fmt.Sprint(err), "is lost") {
			t.Errorf("cut after %d bytes: got %q, %v", most, out, err)
		}
	}
	if !finished {
		t.Error("it never came to its end")
	}
}

// TestNobodyHome: without a home directory there are no files, and no error.
func TestNobodyHome(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	t.Setenv("HOME", "")
	os.Unsetenv("HOME")
	succeeds(t, &ssh.Dialer{}, s.Spec())
}
