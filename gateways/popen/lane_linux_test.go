package popen

import (
	"bytes"
	"io"
	"testing"
)

// TestAgentsGetSockets checks that commands of kind exec, which may open their
// standard input by a name, do not.
func TestAgentsGetSockets(t *testing.T) {
	const script = `for f in 0 1; do [ -S /proc/self/fd/$f ] && echo socket; [ -p /proc/self/fd/$f ] && echo pipe; done; true`
	for kind, want := range map[string]string{"popen": "socket\nsocket\n", "exec": "pipe\npipe\n"} {
		if got := output(t, &Dialer{}, shell(kind, script)); got != want {
			t.Errorf("%s: got %q, want %q", kind, got, want)
		}
	}
}

// TestAllOfALongTextPasses has both ways carry more than a socket or pipe holds,
// also what is still on its way when the process has ended.
func TestAllOfALongTextPasses(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	for _, kind := range []string{"popen", "exec"} {
		c := dial(t, &Dialer{}, shell(kind, "head -c 1600000"))
		sent := make(chan error, 1)
		go func() {
			_, err := c.Write(text)
			sent <- err
		}()
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: got %d bytes, %v; want %d", kind, len(got), err, len(text))
		}
		if err := <-sent; err != nil {
			t.Errorf("%s: Write: %v", kind, err)
		}
	}
}
