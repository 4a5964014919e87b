package ssh_test

import (
	"context"
	"io"
	"testing"

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

func TestRealSshd(t *testing.T) {
	s := sshtest.StartSshd(t)
	d := &ssh.Dialer{}
	c, err := d.Connect(context.Background(), parse(t, s.Spec()))
	if err != nil {
		t.Fatal(err, s.Log())
	}
	conn, err := c.Run(context.Background(), "echo out; echo err >&2; cat; exit 3", ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "hello")
	conn.(interface{ CloseWrite() error }).CloseWrite()
	out, err := io.ReadAll(conn)
	t.Logf("%q %v %+v", out, err, conn.(luagw.Exiter).Exit(context.Background()))
	t.Log(conn.Close())
}
