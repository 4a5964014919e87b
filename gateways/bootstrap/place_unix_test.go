//go:build unix

package bootstrap

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/luagw/luagw"
)

// TestPlaces spoils places one after the other. Its hosts run in mount
// namespaces of their own; what lies in them afterwards is gone.
func TestPlaces(t *testing.T) {
	needsRoot(t)
	const small = "mount -t tmpfs -o size=64k none "
	for _, tt := range []struct{ name, setup, want string }{
		{"home", "true", "$HOME/.cache/luagw"},
		{"home without cache", "rm -rf $HOME/.cache", "$HOME/.cache/luagw"},
		{"XDG_CACHE_HOME", "export XDG_CACHE_HOME=$HOME/x", "$HOME/x/luagw"},
		{"XDG_CACHE_HOME that is relative", "cd $HOME; export XDG_CACHE_HOME=x", "$HOME/.cache/luagw"},
		{"XDG_CACHE_HOME of another user", "chown 65534 $HOME/x; export XDG_CACHE_HOME=$HOME/x", "$HOME/.cache/luagw"},
		{"no HOME", "unset HOME", "/var/tmp/luagw-0"},
		{"HOME that is missing", "HOME=/nonexistent", "/var/tmp/luagw-0"},
		{"HOME of another user", "chown 65534 $HOME", "/var/tmp/luagw-0"},
		{"HOME noexec", "mount -t tmpfs -o noexec none $HOME", "/var/tmp/luagw-0"},
		{"HOME read-only", "mount -t tmpfs -o ro none $HOME", "/var/tmp/luagw-0"},
		{"HOME full", small + "$HOME", "/var/tmp/luagw-0"},
		{"HOME without room for a directory", "mount -t tmpfs -o nr_inodes=2 none $HOME", "/var/tmp/luagw-0"},
		{"cache that others can write to", "mkdir -m 777 $HOME/.cache/luagw", "/var/tmp/luagw-0"},
		{"cache that the group can write to", "mkdir -m 770 $HOME/.cache/luagw", "/var/tmp/luagw-0"},
		{"cache of another user", "mkdir -m 755 $HOME/.cache/luagw; chown 65534 $HOME/.cache/luagw", "/var/tmp/luagw-0"},
		{"cache that is a link", "mkdir $HOME/y; ln -s $HOME/y $HOME/.cache/luagw", "/var/tmp/luagw-0"},
		{"cache that is a file", "touch $HOME/.cache/luagw", "/var/tmp/luagw-0"},
		{"cache above which others can write", "chmod 777 $HOME/.cache", "/var/tmp/luagw-0"},
		{"cache above which another user can write", "chown 65534 $HOME/.cache", "/var/tmp/luagw-0"},
		{"/var/tmp noexec", "unset HOME; mount -o remount,noexec /var/tmp", "/dev/shm/luagw-0"},
		{"/var/tmp taken by another user", "unset HOME; mkdir /var/tmp/luagw-0; chown 65534 /var/tmp/luagw-0", "/dev/shm/luagw-0"},
		{"/var/tmp taken by a link", "unset HOME; mkdir -m 700 /root/l; ln -s /root/l /var/tmp/luagw-0", "/dev/shm/luagw-0"},
		{"/var/tmp without sticky bit", "unset HOME; chmod 777 /var/tmp", "/dev/shm/luagw-0"},
		{"/var/tmp and /dev/shm full", "unset HOME; " + small + "/var/tmp; " + small + "/dev/shm; chmod 1777 /var/tmp /dev/shm; export XDG_RUNTIME_DIR=$HOME0/x", "$HOME/x/luagw"},
		{"/tmp alone", "unset HOME; umount /var/tmp /dev/shm; mount --bind /proc /var/tmp; mount --bind /proc /dev/shm", "/tmp/luagw-0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			for _, dir := range []string{".cache", "x"} {
				if err := os.Mkdir(filepath.Join(home, dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			h := &host{home: home, env: map[string]string{"HOME0": home}, shell: isolated("{ " + tt.setup + "; }")}
			p := h.start(t, large(t))
			p.write(t, ahead())
			p.hello(t)
			p.echoes(t, ahead())
			want := strings.Replace(tt.want, "$HOME", home, 1) + "/luagw-agent-"
			if got := p.conn.(*connection).doing; !strings.Contains(got, ": "+want) {
				t.Errorf("it runs %s, want below %s", got, want)
			}
		})
	}
}

// TestQuota has a home in which the user may write less than the agent takes.
func TestQuota(t *testing.T) {
	needsRoot(t)
	mkfs, err := exec.LookPath("mkfs.btrfs")
	if err != nil {
		t.Skip("a file system with quotas needs btrfs-progs")
	}
	known, err := os.ReadFile("/proc/filesystems")
	if err != nil || !strings.Contains(string(known), "\tbtrfs\n") {
		t.Skip("the kernel has no btrfs")
	}
	if out, err := exec.Command("losetup", "-f").CombinedOutput(); err != nil {
		t.Skipf("no loop device: %s", out)
	}
	start := func(others string) *peer {
		home := t.TempDir()
		image := filepath.Join(home, "image")
		if err := os.WriteFile(image, make([]byte, 128<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(mkfs, "-q", image).CombinedOutput(); err != nil {
			t.Fatalf("mkfs.btrfs: %v: %s", err, out)
		}
		setup := `{ mkdir $HOME0/q && mount -o loop $HOME0/image $HOME0/q && HOME=$HOME0/q && btrfs quota enable $HOME &&
			btrfs subvolume create $HOME/.cache && btrfs qgroup limit 100k $HOME/.cache; ` + others + `; } >/dev/null`
		h := &host{home: home, env: map[string]string{"HOME0": home}, shell: isolated(setup)}
		return h.start(t, large(t))
	}

	p := start("true")
	p.write(t, ahead())
	p.hello(t)
	p.echoes(t, ahead())
	if got := p.conn.(*connection).doing; !strings.Contains(got, ": /var/tmp/luagw-0/luagw-agent-") {
		t.Errorf("it runs %s, want below /var/tmp", got)
	}

	got := start("mount -o remount,ro /var/tmp; mount -o remount,ro /dev/shm; chmod 777 /tmp").failure(t).Error()
	if want := "/q/.cache/luagw: dd: "; !strings.Contains(got, want) || !strings.Contains(got, ": Disk quota exceeded") {
		t.Errorf("got %q, want %q and that the quota is exceeded", got, want)
	}
}

// isolated is mounted, with a /tmp and /root of its own besides. HOME, which
// lies in /tmp, stays.
func isolated(commands string) []string {
	keep := `p=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; mkdir /dev/shm/keep && mount --bind "$HOME0" /dev/shm/keep && mount -t tmpfs none /tmp && mkdir -p "$HOME0" && ` +
		`mount --bind /dev/shm/keep "$HOME0" && umount /dev/shm/keep && rmdir /dev/shm/keep && mount -t tmpfs none /root && chmod 1777 /tmp && PATH=$p && `
	return mounted(keep + commands)
}

// TestNoPlace has the sentence for a host on which nothing can be kept.
func TestNoPlace(t *testing.T) {
	needsRoot(t)
	home := t.TempDir()
	h := &host{home: home, env: map[string]string{"HOME0": home}, shell: isolated(`{ mount -t tmpfs -o ro none $HOME;
		mount -o remount,noexec /var/tmp; mount -t tmpfs -o size=64k,mode=1777 none /dev/shm; chmod 777 /tmp; }`)}
	got := h.start(t, large(t)).failure(t).Error()
	for _, want := range []string{
		`open "exec=host": bootstrap: no place for the agent on the far side: `,
		home + "/.cache/luagw: mkdir: ", "Read-only file system",
		"; /var/tmp/luagw-0: nothing may be run there: ", "Permission denied",
		"; /dev/shm/luagw-0: dd: ", ": No space left on device",
		"; /tmp/luagw-0: others can write to it, or to the directory above it",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
	if strings.Contains(got, "records") {
		t.Errorf("got %q, want no account of dd's", got)
	}
}

// failure is the error in the place of a hello.
func (p *peer) failure(t *testing.T) *luagw.OpenError {
	t.Helper()
	noise, err := p.helloOr()
	open, ok := errors.AsType[*luagw.OpenError](err)
	if !ok || open.Stage != luagw.StageBootstrap {
		t.Fatalf("got %v behind %q, want an OpenError of stage bootstrap", err, noise)
	}
	if _, again := p.conn.Read(make([]byte, 1)); again != err {
		t.Errorf("the next Read returns %v, want %v again", again, err)
	}
	return open
}

// TestOtherUser runs as nobody, whom the permissions bind.
func TestOtherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	const nobody = 65534
	home := t.TempDir()
	for dir := home; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	h := &host{home: home, setup: func(cmd *exec.Cmd) {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}}
	h.checkColdAndWarm(t, large(t))
	info, err := os.Stat(h.file(large(t)))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o700 || info.Sys().(*syscall.Stat_t).Uid != nobody {
		t.Errorf("the agent has mode %v and owner %d, want -rwx------ and %d", info.Mode(), info.Sys().(*syscall.Stat_t).Uid, nobody)
	}
}

// TestTampered has files in the place of the agent that must not run.
func TestTampered(t *testing.T) {
	const evil = "#!/bin/sh\necho\necho 'luagw 1 ok {\"pid\":666}'\n"
	for _, tt := range []struct {
		name   string
		tamper func(path string) error
	}{
		{"replaced", func(path string) error { return os.WriteFile(path, []byte(evil), 0o700) }},
		{"one bit", func(path string) error { return flip(path, 100) }},
		{"cut short", func(path string) error { return os.Truncate(path, 1000) }},
		{"empty", func(path string) error { return os.Truncate(path, 0) }},
		{"not executable", func(path string) error { return os.Chmod(path, 0o600) }},
		{"a link", func(path string) error {
			other := filepath.Join(filepath.Dir(filepath.Dir(path)), "other")
			return errors.Join(os.WriteFile(other, []byte(evil), 0o700), os.Remove(path), os.Symlink(other, path))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			source := large(t)
			h := &host{home: t.TempDir()}
			h.checkColdAndWarm(t, source)
			if err := tt.tamper(h.file(source)); err != nil {
				t.Fatal(err)
			}
			h.checkColdAndWarm(t, source) // a good one is sent again
		})
	}
}

func flip(path string, at int64) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	var b [1]byte
	if _, err := file.ReadAt(b[:], at); err != nil {
		return err
	}
	b[0] ^= 1
	_, err = file.WriteAt(b[:], at)
	return err
}

// TestClean has old files in the cache when a new agent comes.
func TestClean(t *testing.T) {
	source := large(t)
	h := &host{home: t.TempDir()}
	cache := filepath.Join(h.home, ".cache", "luagw")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	old, recent := time.Now().Add(-40*24*time.Hour), time.Now().Add(-time.Hour)
	for name, when := range map[string]time.Time{
		"luagw-agent-old": old, "luagw-agent-recent": recent, "tmp.old.z": old, "tmp.recent": recent, "other": old,
	} {
		path := filepath.Join(cache, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o700), os.Chtimes(path, when, when)); err != nil {
			t.Fatal(err)
		}
	}
	running := filepath.Join(cache, "luagw-agent-running")
	stop := runCopy(t, running)
	defer stop()
	if err := os.Chtimes(running, old, old); err != nil {
		t.Fatal(err)
	}
	p := h.start(t, source)
	p.hello(t)
	h.checkLeft(t, filepath.Base(h.file(source)), "luagw-agent-recent", "luagw-agent-running", "other", "tmp.recent")
}

// TestCleanKeepsTheAgent has a file system that does not keep the time of reading,
// and an agent that has been there for long: it is not removed before it is run.
func TestCleanKeepsTheAgent(t *testing.T) {
	boot(t) // or nothing is cleaned when an agent is there
	needsRoot(t)
	source := large(t)
	h := &host{home: t.TempDir()}
	p := h.start(t, source)
	p.hello(t)
	p.conn.Close()
	old := time.Now().Add(-40 * 24 * time.Hour)
	if err := os.Chtimes(h.file(source), old, old); err != nil {
		t.Fatal(err)
	}
	h.shell = mounted(`mount --bind "$HOME/.cache" "$HOME/.cache" && mount -o remount,bind,noatime "$HOME/.cache"`)
	h.checkWarm(t, source)
	h.checkWarm(t, source)
}

// TestSameNumber has systems that share a home, and of which each gives the shell
// the same number, as containers do.
func TestSameNumber(t *testing.T) {
	needsRoot(t)
	h := &host{home: t.TempDir(), shell: append([]string{"unshare", "-p", "-f"}, mounted("true")...)}
	source := large(t)
	var all sync.WaitGroup
	for range 30 {
		p := h.start(t, source)
		all.Go(func() {
			if _, err := p.helloOr(); err != nil {
				t.Error(err)
			}
			if got := p.conn.(*connection).doing; !strings.Contains(got, ": "+h.home) {
				t.Errorf("it runs %s, want below %s", got, h.home)
			}
		})
	}
	all.Wait()
}

// runCopy runs a copy of cat.
func runCopy(t *testing.T, path string) (stop func()) {
	t.Helper()
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Skip("cat is not installed")
	}
	if out, err := exec.Command("cp", "-L", cat, path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		stdin.Close()
		cmd.Wait()
	}
}
