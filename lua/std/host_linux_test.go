package std

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// fakeHost is a system whose files are those given, by path.
func fakeHost(t *testing.T, files map[string]string) system {
	t.Helper()
	host := system{root: t.TempDir()}
	for name, content := range files {
		path := host.path(name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return host
}

func TestFacts(t *testing.T) {
	const ubuntu = "NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"22.04\"\nPRETTY_NAME=\"Ubuntu 22.04 \\\"LTS\\\"\"\n"
	tests := []struct {
		name  string
		fact  func(system) any
		files map[string]string
		want  any
	}{
		{"distro", system.distro, map[string]string{"/etc/os-release": ubuntu}, "ubuntu"},
		{"distro in its other place", system.distro, map[string]string{"/usr/lib/os-release": ubuntu}, "ubuntu"},
		{"distro not known", system.distro, nil, nil},
		{"distro version", system.distroVersion, map[string]string{"/etc/os-release": ubuntu}, "22.04"},
		{"distro name", system.distroName, map[string]string{"/etc/os-release": ubuntu}, `Ubuntu 22.04 "LTS"`},
		{"family by likeness", system.family, map[string]string{"/etc/os-release": "ID=linuxmint\nID_LIKE='ubuntu debian'\n"}, "debian"},
		{"family of its own", system.family, map[string]string{"/etc/os-release": "ID=alpine\n"}, "alpine"},
		{"family not known", system.family, map[string]string{"/etc/os-release": "ID=plan9\n"}, "plan9"},
		{"cpu model", system.cpuModel, map[string]string{"/proc/cpuinfo": "processor\t: 0\nmodel name\t: Fast CPU @ 3: GHz\n"}, "Fast CPU @ 3: GHz"},
		{"cpu model of a small board", system.cpuModel, map[string]string{"/proc/cpuinfo": "processor\t: 0\n\nModel\t\t: Raspberry Pi 4\n"}, "Raspberry Pi 4"},
		{"memory", system.memory, map[string]string{"/proc/meminfo": "MemTotal:  1024 kB\nMemFree: 512 kB\nMemAvailable: 600 kB\nBuffers: 1 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"},
			object{"total": int64(1 << 20), "free": int64(1 << 19), "available": int64(600 << 10), "swap_total": int64(0), "swap_free": int64(0)}},
		{"memory not known", system.memory, nil, nil},
		{"load", system.load, map[string]string{"/proc/loadavg": "0.50 0.25 1.00 1/234 5678\n"}, []any{0.5, 0.25, 1.0}},
		{"uptime", system.uptime, map[string]string{"/proc/uptime": "12345.67 999.0\n"}, 12345.67},
		{"boot time", system.bootTime, map[string]string{"/proc/stat": "cpu 1 2\nbtime 1700000000\nprocesses 5\n"}, int64(1700000000)},
		{"no disks", system.disks, map[string]string{"/sys/block/loop0/size": "8\n", "/sys/block/sr0/size": "0\n"}, []any{}},
		{"disk", system.disks, map[string]string{
			"/sys/block/sda/size": "2048\n", "/sys/block/sda/queue/rotational": "1\n",
			"/sys/block/sda/device/model": "DISK 1  \n", "/sys/block/sda/ro": "0\n",
		}, []any{object{"name": "sda", "size": int64(1 << 20), "model": "DISK 1", "vendor": nil, "rotational": true, "removable": false, "read_only": false}}},
		{"docker", system.virtual, map[string]string{"/.dockerenv": ""}, "docker"},
		{"podman", system.virtual, map[string]string{"/run/.containerenv": ""}, "podman"},
		{"lxc", system.virtual, map[string]string{"/proc/1/environ": "A=b\x00container=lxc\x00"}, "lxc"},
		{"kubernetes", system.virtual, map[string]string{"/proc/1/cgroup": "0::/kubepods/besteffort\n"}, "kubernetes"},
		{"wsl", system.virtual, map[string]string{"/proc/sys/kernel/osrelease": "5.15-microsoft-standard\n"}, "wsl"},
		{"vmware", system.virtual, map[string]string{"/sys/class/dmi/id/sys_vendor": "VMware, Inc.\n"}, "vmware"},
		{"some machine", system.virtual, map[string]string{"/proc/cpuinfo": "flags : fpu hypervisor\n"}, "vm"},
		{"iron", system.virtual, map[string]string{"/proc/cpuinfo": "flags : fpu\n"}, false},
		{"systemd", system.init, map[string]string{"/run/systemd/system/x": ""}, "systemd"},
		{"openrc", system.init, map[string]string{"/run/openrc/x": "", "/proc/1/comm": "init\n"}, "openrc"},
		{"sysvinit", system.init, map[string]string{"/proc/1/comm": "init\n", "/etc/inittab": ""}, "sysvinit"},
		{"other init", system.init, map[string]string{"/proc/1/comm": "runit\n"}, "runit"},
		{"apt", system.packageManager, map[string]string{"/usr/bin/apt-get": "", "/usr/bin/dnf": ""}, "apt"},
		{"apk", system.packageManager, map[string]string{"/sbin/apk": ""}, "apk"},
		{"no package manager", system.packageManager, nil, nil},
		{"users", system.users, map[string]string{"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n# no\nbroken:x\nx:x:no:1:::\n"},
			[]any{object{"name": "root", "uid": 0, "gid": 0, "comment": "root", "home": "/root", "shell": "/bin/sh"}}},
		{"groups", system.groups, map[string]string{"/etc/group": "root:x:0:\nadm:x:4:syslog,me\n"},
			[]any{object{"name": "root", "gid": 0, "members": []string{}}, object{"name": "adm", "gid": 4, "members": []string{"syslog", "me"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.fact(fakeHost(t, tt.files))
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTimezone(t *testing.T) {
	t.Setenv("TZ", "")
	host := fakeHost(t, map[string]string{"/etc/timezone": "Europe/Berlin\n"})
	if got := host.timezone(); got != "Europe/Berlin" {
		t.Errorf("from a name: got %v, want Europe/Berlin", got)
	}
	if err := os.Symlink("/usr/share/zoneinfo/Asia/Tokyo", host.path("/etc/localtime")); err != nil {
		t.Fatal(err)
	}
	if got := host.timezone(); got != "Asia/Tokyo" {
		t.Errorf("from the link: got %v, want Asia/Tokyo", got)
	}
	t.Setenv("TZ", ":America/Lima")
	if got := host.timezone(); got != "America/Lima" {
		t.Errorf("from TZ: got %v, want America/Lima", got)
	}
}

func TestParseMount(t *testing.T) {
	tests := []struct {
		name, line string
		want       object
	}{
		{"plain", "36 35 98:0 / /mnt rw,noatime master:1 - ext4 /dev/sda1 rw,errors=continue",
			object{"path": "/mnt", "options": "rw,noatime,errors=continue", "type": "ext4", "device": "/dev/sda1"}},
		{"without optional fields", "36 35 98:0 / / ro - tmpfs none rw", object{"path": "/", "options": "ro", "type": "tmpfs", "device": "none"}},
		{"escapes", `36 35 98:0 / /a\040b\134c rw - nfs srv:/x\011y rw`, object{"path": `/a b\c`, "options": "rw", "type": "nfs", "device": "srv:/x\ty"}},
		{"two shared marks", "1 2 0:1 / /x rw shared:1 master:2 - proc proc rw", object{"path": "/x", "options": "rw", "type": "proc", "device": "proc"}},
		{"no dash", "1 2 0:1 / /x rw", nil},
		{"cut short", "1 2 - ext4 /dev/sda1 rw", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := parseMount(tt.line); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestMountsHaveSizes(t *testing.T) {
	mounts, _ := system{root: "/"}.mounts().([]any)
	for _, m := range mounts {
		if mount := m.(object); mount["path"] == "/" && mount["size"] != nil {
			return
		}
	}
	t.Errorf("no size of / among %v", mounts)
}
