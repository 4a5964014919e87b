package ssh_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"

	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

// systemSSH is OpenSSH's client with the options for a site.
func systemSSH(b testing.TB, s *sshtest.Site, command string) *exec.Cmd {
	path, err := exec.LookPath("ssh")
	if err != nil {
		b.Skipf("no OpenSSH client here: %v", err)
	}
	return exec.Command(path, "-T", "-F", s.Config, "-p", strconv.Itoa(s.Port), "-i", s.Identity,
		"-o", "UserKnownHostsFile="+s.KnownHosts, s.User+"@"+s.Host, command)
}

// BenchmarkLogin is from nothing to the end of a command, and OpenSSH's beside.
func BenchmarkLogin(b *testing.B) {
	s := sshtest.StartSshd(b)
	b.Run("luagw", func(b *testing.B) {
		d := &ssh.Dialer{}
		for b.Loop() {
			if _, err := output(b, d, s.Spec(), "true"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("openssh", func(b *testing.B) {
		for b.Loop() {
			if err := systemSSH(b, s.Site, "true").Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// bulk is how much BenchmarkBulk moves each time, in bytes.
const bulk = 256 << 20

// BenchmarkBulk moves much in each direction, with each cipher, and OpenSSH does
// so beside.
func BenchmarkBulk(b *testing.B) {
	s := sshtest.StartSshd(b)
	from, to := fmt.Sprintf("head -c %d /dev/zero", bulk), "cat >/dev/null"
	for _, cipher := range []string{"", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr"} {
		config := s.WriteFile("ssh_config_"+cipher, "GlobalKnownHostsFile none\n")
		if cipher != "" {
			config = s.WriteFile("ssh_config_"+cipher, "GlobalKnownHostsFile none\nCiphers "+cipher+"\n")
		}
		name := cipher
		if name == "" {
			name = "usual"
		}
		b.Run(name+"/from", func(b *testing.B) { benchmarkFrom(b, s.Spec("ssh_config="+config), from) })
		b.Run(name+"/to", func(b *testing.B) { benchmarkTo(b, s.Spec("ssh_config="+config), to) })
	}
	b.Run("openssh/from", func(b *testing.B) {
		b.SetBytes(bulk)
		for b.Loop() {
			command := systemSSH(b, s.Site, from)
			if err := command.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("openssh/to", func(b *testing.B) {
		b.SetBytes(bulk)
		for b.Loop() {
			command := systemSSH(b, s.Site, to)
			zero, _ := os.Open("/dev/zero")
			command.Stdin = io.LimitReader(zero, bulk)
			if err := command.Run(); err != nil {
				b.Fatal(err)
			}
			zero.Close()
		}
	})
}

func benchmarkFrom(b *testing.B, spec, command string) {
	b.SetBytes(bulk)
	buf := make([]byte, 64<<10)
	for b.Loop() {
		conn, err := run(b, &ssh.Dialer{}, spec, command, ssh.RunOptions{})
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, conn, buf)
		if n != bulk || err != nil {
			b.Fatalf("got %d bytes, %v", n, err)
		}
		conn.Close()
	}
}

func benchmarkTo(b *testing.B, spec, command string) {
	b.SetBytes(bulk)
	buf := make([]byte, 64<<10)
	for b.Loop() {
		conn, err := run(b, &ssh.Dialer{}, spec, command, ssh.RunOptions{})
		if err != nil {
			b.Fatal(err)
		}
		for range bulk / len(buf) {
			if _, err := conn.Write(buf); err != nil {
				b.Fatal(err)
			}
		}
		conn.(interface{ CloseWrite() error }).CloseWrite()
		io.Copy(io.Discard, conn)
		conn.Close()
	}
}

// BenchmarkIdle is the memory of a connection on which nothing happens.
func BenchmarkIdle(b *testing.B) {
	s := sshtest.StartSshd(b, "MaxStartups 1000")
	d := &ssh.Dialer{}
	const count = 50
	for b.Loop() {
		before := inUse()
		for range count {
			if _, err := run(b, d, s.Spec(), "cat", ssh.RunOptions{}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(inUse()-before)/count/1024, "KiB/connection")
		b.ReportMetric(float64(runtime.NumGoroutine())/count, "goroutines/connection")
	}
}

// inUse is what this process holds of heap and stacks, in bytes.
func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
