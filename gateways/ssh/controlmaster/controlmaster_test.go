//go:build unix

package controlmaster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// otherUserVar has this program listen at a path, for a test, until its input ends.
const otherUserVar = "CONTROLMASTER_TEST_LISTEN"

func TestMain(m *testing.M) {
	if path := os.Getenv(otherUserVar); path != "" {
		l, err := net.Listen("unix", path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("listening")
		os.Stdin.Read(make([]byte, 1))
		l.Close()
		return
	}
	os.Exit(m.Run())
}

func inTime(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// says is a peer that reads nothing and says something to everybody.
func says(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "m")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	go func() { // ends with l
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte(text))
			conn.(*net.UnixConn).CloseWrite()
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return path
}

func message(p *packet) string { return string(new(packet).text(string(p.body)).body) }

var greeting = message(newPacket(hello).number(version))

func TestNone(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "missing"), file, filepath.Join(dir, strings.Repeat("x", 200))} {
		if c, err := Dial(inTime(t), path); !errors.Is(err, ErrNone) {
			t.Errorf("Dial(%q) = %v, %v; want ErrNone", path, c, err)
		}
	}
}

func TestGreeting(t *testing.T) {
	for _, tt := range []struct{ name, says, want string }{
		{"nothing", "", "it has ended"},
		{"half a length", "\x00\x00", "it has ended"},
		{"half a message", greeting[:9], "it has ended"},
		{"too much", "\xff\xff\xff\xff", "it sends a message of 4294967295 bytes"},
		{"too little", message(newPacket(hello)), "it is none"},
		{"empty", "\x00\x00\x00\x00", "it is none"},
		{"something else", "\x00\x00\x00\x0cHTTP/1.1 400", "it is none"},
		{"another version", message(newPacket(hello).number(5)), "it speaks version 5 of the protocol, and not 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := says(t, tt.says)
			_, err := Dial(inTime(t), path)
			if want := "the ControlMaster at " + path + ": " + tt.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	for _, tt := range []struct{ name, says, want string }{
		{"nothing", "", "it has ended"},
		{"denied", message(newPacket(permissionDenied).number(1).text("Permission\ndenied")), `it refuses: "Permission\ndenied"`},
		{"failure", message(newPacket(failure).number(1).text("no more")), `it refuses: "no more"`},
		{"failure without reason", message(newPacket(failure)), `it refuses: ""`},
		{"a length that lies", message(newPacket(failure).number(1).number(1 << 31)), `it refuses: ""`},
		{"something else", message(newPacket(0x80000099).number(1)), "it answers a request with a message of type 0x80000099"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := says(t, greeting+tt.says)
			c, err := Dial(inTime(t), path)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			err = c.Run(inTime(t), &Command{Line: "true", Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
			if want := "the ControlMaster at " + path + ": " + tt.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestWait(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		code       int
		want       string
	}{
		{"status", message(newPacket(exitMessage).number(1).number(3)), 3, ""},
		{"behind others", message(newPacket(0x80000099)) + message(newPacket(exitMessage).number(1).number(0)), 0, ""},
		{"cut short", message(newPacket(exitMessage).number(1)), -1, "it sends a message that is cut short"},
		{"nothing", "", -1, "it has ended"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := says(t, greeting+message(newPacket(sessionOpened).number(1).number(1))+tt.says)
			c, err := Dial(inTime(t), path)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Run(inTime(t), &Command{Line: "true", Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}); err != nil {
				t.Fatal(err)
			}
			code, err := c.Wait()
			if code != tt.code || (err == nil) != (tt.want == "") || err != nil && !strings.HasSuffix(err.Error(), ": "+tt.want) {
				t.Errorf("Wait() = %d, %v; want %d, %s", code, err, tt.code, tt.want)
			}
		})
	}
}

// TestOtherUser: who listens is not this user.
func TestOtherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	dir, err := os.MkdirTemp("", "controlmaster")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program") // where everybody can run it
	if out, err := exec.Command("cp", os.Args[0], program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	path := filepath.Join(dir, "m")
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), otherUserVar+"="+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Stderr = os.Stderr
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	_, err = Dial(inTime(t), path)
	if want := "the ControlMaster at " + path + ": it is of the user with the number 65534"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
