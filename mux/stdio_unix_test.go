//go:build unix

package mux

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// children are the parts that the test binary plays when it is run as a child.
// What they return is an error for the parent to see.
var children = map[string]func() error{
	"close while reading":  closeWhileReading,
	"session":              closeSession,
	"stray":                strayWrites,
	"stdin":                readStdin,
	"children":             listChildsDescriptors,
	"list":                 listDescriptors,
	"write after the peer": writeAfterThePeer,
}

func runChild(part string) int {
	play, ok := children[part]
	if !ok {
		play = func() error { return errors.New("no such part") }
	}
	if err := play(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", part, err)
		return 1
	}
	return 0
}

// child is a running child; out is what it says on its standard output.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.ReadCloser
	stderr bytes.Buffer
}

func startChild(t *testing.T, part string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.CommandContext(testContext(t), self)}
	c.cmd.Env = append(os.Environ(), childEnv+"="+part)
	c.cmd.Stderr = &c.stderr
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if c.stdout, err = c.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// finish returns what the child said, and fails the test if the child failed.
// The child's standard input remains open.
func (c *child) finish(t *testing.T) string {
	t.Helper()
	said, err := io.ReadAll(c.stdout)
	if err != nil {
		t.Errorf("read from child: %v", err)
	}
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("child: %v\n%s", err, c.stderr.String())
	}
	return string(said)
}

func TestStdioCloseInterruptsARead(t *testing.T) {
	c := startChild(t, "close while reading")
	c.stdin.Write([]byte("x"))
	c.finish(t)
}

func closeWhileReading() error {
	conn, _, err := Stdio(nil)
	if err != nil {
		return err
	}
	first, ended := make(chan struct{}), make(chan error)
	go func() {
		conn.Read(make([]byte, 1))
		close(first)
		_, err := conn.Read(make([]byte, 1))
		ended <- err
	}()
	<-first
	if err := conn.Close(); err != nil {
		return err
	}
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrClosed) {
			return fmt.Errorf("Read: got %v, want %v", err, os.ErrClosed)
		}
		return nil
	case <-time.After(time.Second):
		return errors.New("Read goes on after Close")
	}
}

func TestStdioSessionCloses(t *testing.T) {
	c := startChild(t, "session")
	client, err := Client(&stdioOf{c}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	st, err := client.Open(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	checkCarries(t, st, st, "there and back")
	wait(t, "Done", client.Done())
	if err := client.Err(); err != io.EOF {
		t.Errorf("Err: got %v, want EOF", err)
	}
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("child: %v\n%s", err, c.stderr.String())
	}
}

// stdioOf is the parent's side of a child's standard input and output.
type stdioOf struct{ c *child }

func (s *stdioOf) Read(p []byte) (int, error)  { return s.c.stdout.Read(p) }
func (s *stdioOf) Write(p []byte) (int, error) { return s.c.stdin.Write(p) }
func (s *stdioOf) Close() error                { return errors.Join(s.c.stdin.Close(), s.c.stdout.Close()) }

// closeSession echoes once, and closes the session.
func closeSession() error {
	conn, _, err := Stdio(nil)
	if err != nil {
		return err
	}
	s, err := Server(conn, nil)
	if err != nil {
		return err
	}
	st, err := s.Accept(context.Background())
	if err != nil {
		return err
	}
	buf := make([]byte, 100)
	n, err := st.Read(buf)
	if err != nil {
		return err
	}
	if _, err := st.Write(buf[:n]); err != nil {
		return err
	}
	start := time.Now()
	s.Close()
	if took := time.Since(start); took > closeWait/2 {
		return fmt.Errorf("Close took %v", took)
	}
	return nil
}

func TestStdioStrayWritesDoNotReachTheConnection(t *testing.T) {
	c := startChild(t, "stray")
	if got, want := c.finish(t), "the protocol"; got != want {
		t.Errorf("connection: got %q, want %q", got, want)
	}
}

func strayWrites() error {
	conn, stray, err := Stdio(nil)
	if err != nil {
		return err
	}
	fmt.Println("print")
	unix.Write(1, []byte("write\n"))
	echo := exec.Command("echo", "echo")
	echo.Stdout = os.Stdout
	if err := echo.Run(); err != nil {
		return err
	}
	const want = "print\nwrite\necho\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(stray, got); err != nil {
		return err
	}
	if string(got) != want {
		return fmt.Errorf("stray: got %q, want %q", got, want)
	}
	if _, err := io.WriteString(conn, "the protocol"); err != nil {
		return err
	}
	return conn.Close()
}

func TestStdioStandardInputIsEmpty(t *testing.T) {
	c := startChild(t, "stdin")
	c.stdin.Write([]byte("the protocol"))
	if got, want := c.finish(t), "the protocol"; got != want {
		t.Errorf("connection: got %q, want %q", got, want)
	}
}

// readStdin reads the standard input, here and in a child, and sends back what
// it has from the connection.
func readStdin() error {
	conn, _, err := Stdio(nil)
	if err != nil {
		return err
	}
	if n, err := io.Copy(io.Discard, os.Stdin); n != 0 || err != nil {
		return fmt.Errorf("os.Stdin: got %d bytes and %v, want none", n, err)
	}
	cat := exec.Command("cat")
	cat.Stdin = os.Stdin
	if out, err := cat.Output(); len(out) != 0 || err != nil {
		return fmt.Errorf("cat: got %q and %v, want none", out, err)
	}
	if _, err := io.CopyN(conn, conn, int64(len("the protocol"))); err != nil {
		return err
	}
	return conn.Close()
}

const descriptors = "/proc/self/fd"

func TestStdioChildrenDoNotInheritTheConnection(t *testing.T) {
	if _, err := os.Stat(descriptors); err != nil {
		t.Skip("no ", descriptors)
	}
	startChild(t, "children").finish(t)
}

// listChildsDescriptors checks what a child of its own has open.
func listChildsDescriptors() error {
	conn, _, err := Stdio(nil)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	list := exec.Command(self)
	list.Env = append(os.Environ(), childEnv+"=list")
	list.Stdin = os.Stdin
	listed, err := list.Output()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(listed), "0 /dev/null\n") {
		return fmt.Errorf("child has no empty standard input:\n%s", listed)
	}
	files := conn.(*stdio)
	for _, f := range []*os.File{files.in, files.out} {
		target, err := descriptorTarget(f)
		if err != nil {
			return err
		}
		if strings.Contains(string(listed), target+"\n") {
			return fmt.Errorf("child has %s, which is %s:\n%s", f.Name(), target, listed)
		}
	}
	return nil
}

// descriptorTarget names what f stands for, and leaves f as it is, which Fd
// would not.
func descriptorTarget(f *os.File) (target string, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return "", err
	}
	controlErr := raw.Control(func(fd uintptr) {
		target, err = os.Readlink(filepath.Join(descriptors, fmt.Sprint(fd)))
	})
	return target, errors.Join(controlErr, err)
}

func listDescriptors() error {
	entries, err := os.ReadDir(descriptors)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(descriptors, e.Name())); err == nil {
			fmt.Println(e.Name(), target)
		}
	}
	return nil
}

func TestStdioWriteToAPeerThatIsGoneIsAnError(t *testing.T) {
	c := startChild(t, "write after the peer")
	c.stdout.Close()
	c.stdin.Write([]byte("x"))
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("child: %v\n%s", err, c.stderr.String())
	}
}

// writeAfterThePeer expects an error, and not to be ended by a signal: the
// runtime spares a process SIGPIPE only when the descriptor is above 2.
func writeAfterThePeer() error {
	conn, _, err := Stdio(nil)
	if err != nil {
		return err
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("x")); !errors.Is(err, unix.EPIPE) {
		return fmt.Errorf("Write: got %v, want %v", err, unix.EPIPE)
	}
	return nil
}
