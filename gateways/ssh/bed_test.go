package ssh_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

func parse(t testing.TB, text string) *luagw.Spec {
	t.Helper()
	spec, err := luagw.ParseSpec(text)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// inTime is a context that ends with the test, or before it is stuck.
func inTime(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// dialer is a Dialer that fails the test when it has something to tell.
func dialer(t testing.TB) *ssh.Dialer {
	return &ssh.Dialer{Home: t.TempDir(), Notice: func(text string) { t.Errorf("notice: %s", text) }}
}

// run connects and runs a command. The connection is closed with the test.
func run(t testing.TB, d *ssh.Dialer, spec, command string, opts ssh.RunOptions) (io.ReadWriteCloser, error) {
	t.Helper()
	c, err := d.Connect(inTime(t), parse(t, spec))
	if err != nil {
		return nil, err
	}
	conn, err := c.Run(inTime(t), command, opts)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close() })
	return conn, nil
}

// output runs a command to its end and returns what it wrote.
func output(t testing.TB, d *ssh.Dialer, spec, command string) (string, error) {
	t.Helper()
	conn, err := run(t, d, spec, command, ssh.RunOptions{})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	out, err := io.ReadAll(conn)
	return string(out), err
}

// succeeds opens a spec and runs a command there.
func succeeds(t testing.TB, d *ssh.Dialer, spec string) {
	t.Helper()
	if out, err := output(t, d, spec, "echo fine"); err != nil || out != "fine\n" {
		t.Fatalf("echo fine: got %q, %v", out, err)
	}
}

// sentence is what the user reads of an error, with the parts that differ from
// run to run replaced. The part with the spec is cut off, because it is the same
// for all.
func sentence(site *sshtest.Site, err error) string {
	if err == nil {
		return "no error"
	}
	text := err.Error()
	if open, ok := errors.AsType[*luagw.OpenError](err); ok {
		text = strings.TrimPrefix(text, "open "+strconv.Quote(open.Spec)+": ")
	}
	for _, replace := range [][2]string{
		{site.Dir, "DIR"}, {strconv.Itoa(site.Port), "PORT"}, {"user " + site.User, "user USER"},
		{strconv.Quote(site.User), `"USER"`}, {" of " + site.User + " ", " of USER "},
	} {
		text = strings.ReplaceAll(text, replace[0], replace[1])
	}
	return text
}

// wantSentence compares what the user reads.
func wantSentence(t testing.TB, site *sshtest.Site, err error, want string) {
	t.Helper()
	if got := sentence(site, err); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// wantStage compares the stage of an error.
func wantStage(t testing.TB, err error, want luagw.Stage) {
	t.Helper()
	open, ok := errors.AsType[*luagw.OpenError](err)
	if !ok {
		t.Errorf("got %v, want a luagw.OpenError", err)
	} else if open.Stage != want {
		t.Errorf("got stage %q, want %q", open.Stage, want)
	}
}

func portOf(site *sshtest.Site) string { return strconv.Itoa(site.Port) }

// cutConn is a connection that ends after a number of bytes that came.
type cutConn struct {
	net.Conn
	left int
}

func (c *cutConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		c.Close()
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// cutAfter makes connections that end after a number of bytes.
func cutAfter(most int) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return &cutConn{conn, most}, err
	}
}
