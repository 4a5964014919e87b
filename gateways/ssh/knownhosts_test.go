package ssh_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

// TestKnownHostsAsOpenSSH: the lines about a host are those that ssh-keygen -F
// finds, whatever else stands in the file.
func TestKnownHostsAsOpenSSH(t *testing.T) {
	path, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skipf("no ssh-keygen here to compare with: %v", err)
	}
	key := strings.TrimSpace(string(gossh.MarshalAuthorizedKey(sshtest.Signer(sshtest.NewKey(t)).PublicKey())))
	lines := []string{
		"# a comment", "", "web1 " + key, "web2,10.0.0.2 " + key + " and a comment", "\tweb3 \t" + key,
		"*.example.com,!bad.example.com " + key, "[web1]:2222 " + key, "[*.example.com]:2222 " + key,
		"@cert-authority *.example.com " + key, "@revoked web1 " + key, "WEB4 " + key, "? " + key,
		"web1 " + key, "|1|broken|x " + key,
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "known_hosts")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hashed := filepath.Join(dir, "hashed")
	plain := "web1 " + key + "\nweb2 " + key + "\n[web1]:2222 " + key + "\n"
	if err := os.WriteFile(hashed, []byte(plain), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path, "-H", "-f", hashed).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, file := range []string{file, hashed} {
		for _, name := range []string{"web1", "web2", "web3", "10.0.0.2", "a.example.com", "bad.example.com", "[web1]:2222", "[a.example.com]:2222", "web4", "x", "none"} {
			out, _ := exec.Command(path, "-F", name, "-f", file).Output() // its status is 1 if it finds nothing
			var want []string
			for line := range strings.Lines(string(out)) {
				if _, number, ok := strings.Cut(line, " found: line "); ok {
					want = append(want, strings.Fields(number)[0])
				}
			}
			got, err := ssh.KnownAt([]string{file}, []string{name})
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s in %s: got lines %v, %v; want %v", name, filepath.Base(file), got, err, want)
			}
		}
	}
}

// TestKnownHostsRubbish: lines that cannot be read keep nobody from the others.
func TestKnownHostsRubbish(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	line, _ := os.ReadFile(s.KnownHosts)
	name := s.KnownName()
	s.WriteFile("known_hosts", name+"\n"+name+" ssh-new AAAA\n"+name+" ssh-rsa !!!\n@unknown "+string(line)+"\x00\xff\n"+
		name+" 1024 35 1234567\n"+strings.Repeat("x", 1<<20)+"\n"+string(line))
	succeeds(t, dialer(t), s.Spec())
}

// FuzzKnownHosts: no line does harm.
func FuzzKnownHosts(f *testing.F) {
	f.Add("web1 ssh-ed25519 AAAA", "web1")
	f.Add("@revoked |1|a|b x y", "[a]:1")
	f.Fuzz(func(t *testing.T, text, name string) {
		file := filepath.Join(t.TempDir(), "known_hosts")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ssh.KnownAt([]string{file}, []string{name}); err != nil {
			t.Error(err)
		}
	})
}
