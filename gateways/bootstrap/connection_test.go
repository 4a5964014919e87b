package bootstrap

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/agents"
)

const hello = "\nluagw 1 ok {\"pid\":1}\n"

// fixed is a source with one small agent.
type fixed struct{}

var fixedImage = &agents.Image{Hash: strings.Repeat("a", 64), Size: 9, Gzip: []byte("the agent")}

func (fixed) Agents() ([]*agents.Agent, error) {
	load := func(context.Context) (*agents.Image, error) { return fixedImage, nil }
	return []*agents.Agent{{OS: "linux", Arch: "arm64", Hash: fixedImage.Hash, Origin: "a test", Load: load}}, nil
}

// far starts a connection; the other end plays the far side.
func far(t *testing.T) (conn io.ReadWriteCloser, end net.Conn) {
	t.Helper()
	near, end := net.Pipe()
	conn, err := (&Bootstrap{Agents: fixed{}}).Start(t.Context(), &luagw.Spec{Kind: "ssh", Target: "web1"}, near)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); end.Close() })
	return conn, end
}

// reads collects all that a connection yields.
func reads(conn io.Reader) <-chan string {
	got := make(chan string, 1)
	go func() { // ends when the connection is closed
		b, _ := io.ReadAll(conn)
		got <- string(b)
	}()
	return got
}

func say(t *testing.T, end io.Writer, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := io.WriteString(end, text); err != nil {
			t.Fatal(err)
		}
	}
}

func expect(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v; want %q", got[:n], err, want)
	}
}

func TestWarm(t *testing.T) {
	for _, tt := range []struct{ name, said, want string }{
		{"hello alone", hello, hello},
		{"hello behind a report", "\nluagw-bootstrap run Linux aarch64: /x\n" + hello, "\n" + hello},
		{"carriage returns", "\r\nluagw-bootstrap run Linux aarch64: /x\r\n" + hello, "\r\n" + hello},
		{"noise", "Welcome\nluagw is here\n$ " + hello, "Welcome\nluagw is here\n$ " + hello},
		{"noise that is no line", "luagw-bootstr\x00\xff" + hello, "luagw-bootstr\x00\xff" + hello},
		{"what looks like a report behind the hello", hello + "\nluagw-bootstrap want 1 gzip Linux aarch64\n", hello + "\nluagw-bootstrap want 1 gzip Linux aarch64\n"},
		{"a refusal", "\nluagw 2 error {}\nluagw-bootstrap failed\n", "\nluagw 2 error {}\nluagw-bootstrap failed\n"},
		{"a long line", strings.Repeat("luagw ", 10_000) + hello, strings.Repeat("luagw ", 10_000) + hello},
	} {
		for _, size := range []int{1, 1 << 20} {
			t.Run(tt.name, func(t *testing.T) {
				conn, end := far(t)
				got := reads(conn)
				for said := []byte(tt.said); len(said) > 0; {
					n, err := end.Write(said[:min(size, len(said))])
					if err != nil {
						t.Fatal(err)
					}
					said = said[n:]
				}
				end.Close()
				if got := <-got; got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		}
	}
}

// TestPartialNoise passes on a question at once, though its line is not whole.
func TestPartialNoise(t *testing.T) {
	conn, end := far(t)
	go io.WriteString(end, "Password: ")
	expect(t, conn, "Password: ")
}

// TestCold has what goes over the wire, when something was written ahead, and
// when a place turns out to be no good.
func TestCold(t *testing.T) {
	conn, end := far(t)
	got := reads(conn)
	r := bufio.NewReader(end)
	write := func(text string) {
		go io.WriteString(conn, text)
		expect(t, r, text) // at once
	}
	write("ahead ")
	write("of all\n")
	announced := func(pid, unpacker, body string) {
		say(t, end, "\nluagw-bootstrap want "+pid+" "+unpacker+" Linux aarch64\n")
		expect(t, r, "\nluagw-agent "+pid+" "+fixedImage.Hash+" 9 ")
		if word, err := r.ReadString('\n'); err != nil || len(word) < 20 || strings.ContainsAny(word, " /") {
			t.Fatalf("the last word of the announcement is %q, %v", word, err)
		}
		expect(t, r, body)
	}
	announced("17", "gzip", "the agentahead of all\n")
	write("and more")
	announced("17", "gzip", "the agentahead of all\nand more")
	say(t, end, "\nluagw-bootstrap run Linux aarch64: /x\n", hello)
	write("after the hello")
	say(t, end, "luagw-bootstrap want 18 gzip Linux aarch64\n")
	end.Close()
	if got := <-got; got != "\n\n\n"+hello+"luagw-bootstrap want 18 gzip Linux aarch64\n" {
		t.Errorf("got %q", got)
	}
}

// TestMuchAhead lets no more than 64 KiB be written ahead.
func TestMuchAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, end := far(t)
		written := make(chan error, 1)
		go func() {
			_, err := conn.Write(make([]byte, maxAhead+5))
			written <- err
		}()
		expect(t, end, string(make([]byte, maxAhead)))
		synctest.Wait()
		select {
		case err := <-written:
			t.Fatalf("Write returned %v, want it to wait", err)
		default:
		}
		got := reads(conn)
		say(t, end, hello)
		expect(t, end, "\x00\x00\x00\x00\x00")
		if err := <-written; err != nil {
			t.Error(err)
		}
		end.Close()
		<-got
	})
}

// TestClose ends all that waits.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, end := far(t)
		go io.Copy(io.Discard, end)
		errs := make(chan error, 2)
		go func() {
			_, err := conn.Write(make([]byte, maxAhead+5))
			errs <- err
		}()
		go func() {
			_, err := conn.Read(make([]byte, 1))
			errs <- err
		}()
		time.Sleep(time.Second)
		conn.Close()
		for range 2 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v, want net.ErrClosed", err)
			}
		}
	})
}

// slow is a source that builds for long.
type slow struct{}

func (slow) Agents() ([]*agents.Agent, error) {
	return []*agents.Agent{{OS: "linux", Arch: "arm64", Origin: "built", Load: func(ctx context.Context) (*agents.Image, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}}}, nil
}

// TestCloseWhileLoading ends the building of an agent.
func TestCloseWhileLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, end := net.Pipe()
		conn, err := (&Bootstrap{Agents: slow{}}).Start(t.Context(), &luagw.Spec{Kind: "ssh", Target: "web1"}, near)
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(end, "luagw-bootstrap want 1 gzip Linux aarch64\n")
		time.AfterFunc(time.Second, func() { conn.Close() })
		_, err = conn.Read(make([]byte, 1))
		if open, ok := errors.AsType[*luagw.OpenError](err); !ok || !errors.Is(open, context.Canceled) {
			t.Errorf("got %v, want an OpenError for what was cancelled", err)
		}
	})
}

func TestStartWithAgent(t *testing.T) {
	near, _ := net.Pipe()
	defer near.Close()
	conn, err := (&Bootstrap{}).Start(t.Context(), &luagw.Spec{Kind: "ssh", Target: "web1", Agent: "/opt/agent"}, near)
	if conn != near || err != nil {
		t.Errorf("got %v, %v; want the connection itself", conn, err)
	}
}

func TestStartTooLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	near, end := net.Pipe()
	_, err := (&Bootstrap{}).Start(ctx, &luagw.Spec{Kind: "ssh", Target: "web1"}, near)
	if open, ok := errors.AsType[*luagw.OpenError](err); !ok || open.Stage != luagw.StageBootstrap {
		t.Errorf("got %v, want an OpenError of stage bootstrap", err)
	}
	if _, err := end.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection is left open: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(hello))
	f.Add([]byte("luagw-bootstrap want 1 gzip Linux aarch64\nluagw-bootstrap failed x\n"))
	f.Add([]byte("luagw-bootstrap run a: b\nluagw 1"))
	f.Add([]byte("luagw-bootstrap want 1 cat Linux aarch64\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		raw := &recording{r: bytes.NewReader(said)}
		conn, err := (&Bootstrap{Agents: fixed{}}).Start(t.Context(), &luagw.Spec{Kind: "ssh", Target: "web1"}, raw)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		got, err := io.ReadAll(conn)
		if len(got) > len(said) {
			t.Errorf("more came out than went in")
		}
		if _, ok := errors.AsType[*luagw.OpenError](err); err != nil && !ok {
			t.Errorf("got %v, want an OpenError", err)
		}
		if most := maxWants * (len(fixedImage.Gzip) + 200); raw.written > most {
			t.Errorf("%d bytes were sent, want %d at the most", raw.written, most)
		}
	})
}

// recording is a far side that has said all it ever will.
type recording struct {
	r       *bytes.Reader
	written int
}

func (r *recording) Read(p []byte) (int, error)  { return r.r.Read(p) }
func (r *recording) Write(p []byte) (int, error) { r.written += len(p); return len(p), nil }
func (r *recording) Close() error                { return nil }

func TestProgress(t *testing.T) {
	conn, end := far(t)
	boot := conn.(luagw.Bootstrapper)
	got := reads(conn)
	if n := boot.Progress(); n != 0 || boot.Progress() != n {
		t.Errorf("Progress at the beginning = %d, want 0", n)
	}
	go io.WriteString(end, "\nluagw-bootstrap want 1 gzip Linux aarch64\n")
	r := bufio.NewReader(end)
	for range 2 { // an empty line, and the announcement
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, r, "the agent")
	say(t, end, hello)
	if n := boot.Progress(); n < int64(len("the agent")) {
		t.Errorf("Progress when the agent was sent = %d, want its length or more", n)
	}
	end.Close()
	<-got
}
