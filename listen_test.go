//go:build unix

package luagw_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/lua"
)

// listening runs a fragment that listens with these options, in Lua, and returns
// the spec by which to get there.
func listening(t *testing.T, options string) (spec string, ch *luagw.Channel) {
	t.Helper()
	group := &luagw.Group{Dial: gateways.Dial}
	t.Cleanup(func() { group.Close() })
	gw, err := group.Open(t.Context(), "popen")
	if err != nil {
		t.Fatal(err)
	}
	ch, err = gw.RemoteExec(t.Context(), `
		local listener = assert(agent.listen(`+options+`))
		channel:send(listener.spec)
		channel:waitclose()
		listener.close()`)
	if err != nil {
		t.Fatal(err)
	}
	spec, err = luagw.ReceiveAs[string](t.Context(), ch)
	if err != nil {
		t.Fatal(err)
	}
	return spec, ch
}

// opens opens a gateway by a spec, and closes it.
func opens(t *testing.T, spec string) error {
	t.Helper()
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	gw, err := group.Open(t.Context(), spec)
	if err != nil {
		return err
	}
	got, err := gw.Call(t.Context(), "return 6 * ...", 7)
	if err == nil && got[0] != int64(42) {
		t.Errorf("got %v, want 42", got)
	}
	return err
}

func TestAgentListens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, tt := range []struct{ name, options, want string }{
		{"tcp", "", "tcp:127.0.0.1:"},
		{"address", "{address = '127.0.0.2:0'}", "tcp:127.0.0.2:"},
		{"unix", "{path = '" + path + "'}", "unix:" + path},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec, ch := listening(t, tt.options)
			if !strings.HasPrefix(spec, tt.want) {
				t.Errorf("the spec is %q, want %s...", spec, tt.want)
			}
			if err := opens(t, spec); err != nil {
				t.Error(err)
			}
			if err := ch.CloseWrite(); err != nil {
				t.Error(err)
			}
			if err := ch.Wait(t.Context()); err != nil {
				t.Error(err)
			}
			if err := opens(t, spec); err == nil {
				t.Error("it listens when the fragment has ended")
			}
		})
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// TestTokenIsUsedUp opens as many gateways as the token is good for.
func TestTokenIsUsedUp(t *testing.T) {
	spec, _ := listening(t, "{connections = 2}")
	for range 2 {
		if err := opens(t, spec); err != nil {
			t.Fatal(err)
		}
	}
	if err := opens(t, spec); err == nil {
		t.Error("the token was good a third time")
	}
}

// TestStrangersAtTheListener says nothing, or the wrong thing, many times, and
// who has the token is let in all the same.
func TestStrangersAtTheListener(t *testing.T) {
	spec, _ := listening(t, "")
	address, token, _ := strings.Cut(strings.TrimPrefix(spec, "tcp:"), "//token=")
	wrong := strings.Repeat("0", len(token)) + "\n"
	for i := range 50 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			continue // silent
		}
		io.WriteString(conn, wrong)
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if b, err := io.ReadAll(conn); len(b) > 0 || os.IsTimeout(err) {
			t.Errorf("got %q, %v; want to be hung up on", b, err)
		}
	}
	if err := opens(t, spec); err != nil {
		t.Error(err)
	}
}

func TestListenFails(t *testing.T) {
	for _, tt := range []struct{ options, want string }{
		{"{address = '0.0.0.0:0'}", "0.0.0.0:0 can be reached by others"},
		{"{address = 'localhost'}", `"localhost" is no address and port`},
		{"{path = '/nosuchfolder/s'}", "listen at /nosuchfolder/s: no such file or directory"},
		{"{path = '/tmp/s', connections = 2}", "path stands alone"},
		{"{adress = '127.0.0.1:0'}", `"adress"`},
	} {
		group := &luagw.Group{Dial: luagw.InProcess(&lua.Runtime{})}
		gw, err := group.Open(context.Background(), "popen")
		if err != nil {
			t.Fatal(err)
		}
		got, err := gw.Call(context.Background(), "return agent.listen("+tt.options+")")
		said := ""
		if err != nil {
			said = err.Error()
		} else if text, ok := got[len(got)-1].(string); ok {
			said = text
		}
		if !strings.Contains(said, tt.want) {
			t.Errorf("%s: got %v, %v; want %q", tt.options, got, err, tt.want)
		}
		group.Close()
	}
}
