//go:build linux || darwin || freebsd

package unix

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/luagw/luagw"
)

func parse(t *testing.T, text string) *luagw.Spec {
	t.Helper()
	spec, err := luagw.ParseSpec(text)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func listen(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return path
}

func TestDial(t *testing.T) {
	conn, err := new(Dialer).Dial(context.Background(), parse(t, "unix:"+listen(t)))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestDialFails(t *testing.T) {
	path := listen(t)
	gone := filepath.Join(t.TempDir(), "gone")
	for _, tt := range []struct {
		name, spec, want string
		stage            luagw.Stage
	}{
		{"no socket", "unix:" + gone, `connect to the socket "` + gone + `": no such file or directory`, luagw.StageDial},
		{"another user's", "unix:" + path + "//user=somebody", `not by "somebody"`, luagw.StageAuth},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := new(Dialer).Dial(context.Background(), parse(t, tt.spec))
			oe, ok := errors.AsType[*luagw.OpenError](err)
			if !ok || oe.Stage != tt.stage || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want stage %s and %q", err, tt.stage, tt.want)
			}
		})
	}
}

func TestAgentIsRefused(t *testing.T) {
	spec := parse(t, "unix:/run/s")
	spec.Agent = "luagw-agent"
	if _, err := new(Dialer).Dial(context.Background(), spec); err == nil || !strings.Contains(err.Error(), "chooses its agent itself") {
		t.Errorf("got %v", err)
	}
}

// TestSocketOfNobody has a socket that another user serves.
func TestSocketOfNobody(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root can start another user's server")
	}
	dir, err := os.MkdirTemp("", "luagw-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "test")
	self, err := os.Executable()
	if err == nil {
		err = exec.Command("cp", self, program).Run()
	}
	if err == nil {
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	cmd := exec.Command(program, "-test.run=^TestServe$")
	cmd.Env, cmd.Dir = []string{pathVar + "=" + path}, dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no socket came")
		}
	}
	for _, tt := range []struct{ keys, want string }{
		{"", `neither you nor root; if that is meant, add //user=`},
		{"//user=65534", ""},
	} {
		conn, err := new(Dialer).Dial(context.Background(), parse(t, "unix:"+path+tt.keys))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.keys, err, tt.want)
		}
		if conn != nil {
			conn.Close()
		}
	}
}

const pathVar = "LUAGW_TEST_PATH"

// TestServe is the other process of TestSocketOfNobody.
func TestServe(t *testing.T) {
	path := os.Getenv(pathVar)
	if path == "" {
		t.Skip("is a part of TestSocketOfNobody")
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if _, err := l.Accept(); err != nil {
			t.Fatal(err)
		}
	}
}
