package std

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func (host system) distro() any        { return known(host.osRelease("ID")) }
func (host system) distroName() any    { return known(host.osRelease("PRETTY_NAME")) }
func (host system) distroVersion() any { return known(host.osRelease("VERSION_ID")) }

// osRelease returns a variable of os-release(5), "" if it is not set.
func (host system) osRelease(variable string) string {
	text := host.read("/etc/os-release")
	if text == "" {
		text = host.read("/usr/lib/os-release")
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), variable+"="); ok {
			return unquoteShell(value)
		}
	}
	return ""
}

// unquoteShell takes the quotes and backslashes off an assignment's value.
func unquoteShell(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		if s[0] == '\'' {
			return s[1 : len(s)-1]
		}
		s = s[1 : len(s)-1]
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// families are the distributions that others say they are like.
var families = entries[string, string]{
	{"debian", "debian"}, {"ubuntu", "debian"},
	{"rhel", "redhat"}, {"fedora", "redhat"}, {"centos", "redhat"}, {"amzn", "redhat"}, {"ol", "redhat"},
	{"suse", "suse"}, {"sles", "suse"}, {"opensuse", "suse"},
	{"arch", "arch"}, {"alpine", "alpine"}, {"gentoo", "gentoo"}, {"void", "void"}, {"nixos", "nixos"},
}

func (host system) family() any {
	id := host.osRelease("ID")
	for _, name := range append([]string{id}, strings.Fields(host.osRelease("ID_LIKE"))...) {
		if family, ok := families.get(name); ok {
			return family
		}
	}
	return known(id)
}

// cpuModel looks for what the architectures call it.
func (host system) cpuModel() any {
	text := host.read("/proc/cpuinfo")
	for _, name := range []string{"model name", "cpu model", "Model", "uarch", "Hardware", "machine"} {
		for line := range strings.Lines(text) {
			key, value, _ := strings.Cut(line, ":")
			if strings.TrimSpace(key) == name {
				return strings.TrimSpace(value)
			}
		}
	}
	return nil
}

// memoryFields are what meminfo calls what host.memory has, in KiB.
var memoryFields = entries[string, string]{
	{"MemTotal", "total"}, {"MemFree", "free"}, {"MemAvailable", "available"},
	{"SwapTotal", "swap_total"}, {"SwapFree", "swap_free"},
}

func (host system) memory() any {
	memory := object{}
	for line := range strings.Lines(host.read("/proc/meminfo")) {
		key, value, _ := strings.Cut(line, ":")
		name, ok := memoryFields.get(key)
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err == nil {
			memory[name] = kib * 1024
		}
	}
	if len(memory) == 0 {
		return nil
	}
	return memory
}

func (host system) load() any {
	fields := strings.Fields(host.read("/proc/loadavg"))
	if len(fields) < 3 {
		return nil
	}
	load := []any{}
	for _, field := range fields[:3] {
		f, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return nil
		}
		load = append(load, f)
	}
	return load
}

func (host system) uptime() any {
	text, _, _ := strings.Cut(host.read("/proc/uptime"), " ")
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(seconds) {
		return nil
	}
	return seconds
}

func (host system) bootTime() any {
	for line := range strings.Lines(host.read("/proc/stat")) {
		if value, ok := strings.CutPrefix(line, "btime "); ok {
			seconds, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			if err == nil {
				return seconds
			}
		}
	}
	return nil
}

// disks are the block devices that hold something, without those made of
// files and memory.
func (host system) disks() any {
	entries, err := os.ReadDir(host.path("/sys/block"))
	if err != nil {
		return nil
	}
	list := []any{}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, "loop") || strings.HasPrefix(name, "ram") {
			continue
		}
		if disk := host.disk(name); disk != nil {
			list = append(list, disk)
		}
	}
	return list
}

// disk is nil for a drive without a medium.
func (host system) disk(name string) any {
	dir := filepath.Join("/sys/block", name)
	sectors, _ := strconv.ParseInt(host.read(dir+"/size"), 10, 64)
	if sectors == 0 {
		return nil
	}
	const sector = 512 // in this file, whatever the device's own is
	return object{
		"name":       name,
		"size":       sectors * sector,
		"model":      known(host.read(dir + "/device/model")),
		"vendor":     known(host.read(dir + "/device/vendor")),
		"rotational": host.read(dir+"/queue/rotational") == "1",
		"removable":  host.read(dir+"/removable") == "1",
		"read_only":  host.read(dir+"/ro") == "1",
	}
}

// virtual is the name of what this host is a guest of, or false.
func (host system) virtual() any {
	if name := host.container(); name != "" {
		return name
	}
	if name := host.machineKind(); name != "" {
		return name
	}
	return false
}

// container knows the marks that the engines leave.
func (host system) container() string {
	switch {
	case host.exists("/.dockerenv"):
		return "docker"
	case host.exists("/run/.containerenv"):
		return "podman"
	case host.exists("/proc/vz") && !host.exists("/proc/bc"):
		return "openvz"
	}
	if name := host.read("/run/systemd/container"); name != "" {
		return name
	}
	for entry := range strings.SplitSeq(host.read("/proc/1/environ"), "\x00") {
		if name, ok := strings.CutPrefix(entry, "container="); ok && name != "" {
			return name
		}
	}
	return firstWithin(host.read("/proc/1/cgroup"), []sign{
		{"kubepods", "kubernetes"}, {"docker", "docker"}, {"libpod", "podman"},
		{"containerd", "containerd"}, {"/lxc", "lxc"},
	})
}

// machineKind knows a virtual machine by what its firmware says, as
// systemd-detect-virt does.
func (host system) machineKind() string {
	if strings.Contains(strings.ToLower(host.read("/proc/sys/kernel/osrelease")), "microsoft") {
		return "wsl"
	}
	if name := host.read("/sys/hypervisor/type"); name != "" {
		return name
	}
	firmware := host.read("/sys/class/dmi/id/product_name") + "\n" +
		host.read("/sys/class/dmi/id/sys_vendor") + "\n" + host.read("/sys/class/dmi/id/bios_vendor")
	name := firstWithin(firmware, []sign{
		{"KVM", "kvm"}, {"Amazon EC2", "kvm"}, {"Google Compute Engine", "kvm"}, {"OpenStack", "kvm"},
		{"QEMU", "qemu"}, {"VMware", "vmware"}, {"VirtualBox", "virtualbox"}, {"innotek", "virtualbox"},
		{"Xen", "xen"}, {"Virtual Machine", "hyperv"}, {"Parallels", "parallels"}, {"BHYVE", "bhyve"},
	})
	if name != "" {
		return name
	}
	if slices.Contains(strings.Fields(host.read("/proc/cpuinfo")), "hypervisor") {
		return "vm"
	}
	return ""
}

// sign is a text that gives away what a host is.
type sign struct{ text, name string }

func firstWithin(text string, signs []sign) string {
	for _, s := range signs {
		if strings.Contains(text, s.text) {
			return s.name
		}
	}
	return ""
}

// init is what runs as process 1, by the name of the system it belongs to.
func (host system) init() any {
	switch {
	case host.exists("/run/systemd/system"):
		return "systemd"
	case host.exists("/run/openrc"):
		return "openrc"
	}
	name := host.read("/proc/1/comm")
	switch name {
	case "s6-svscan":
		return "s6"
	case "init":
		return host.plainInit()
	}
	return known(name)
}

// plainInit tells apart what calls itself init.
func (host system) plainInit() string {
	target, _ := os.Readlink(host.path("/sbin/init"))
	if filepath.Base(target) == "busybox" {
		return "busybox"
	}
	if host.exists("/etc/inittab") {
		return "sysvinit"
	}
	return "init"
}

// packageManager is the first that is there. Those which may be there beside
// the system's own come last.
func (host system) packageManager() any {
	for _, m := range []sign{
		{"apt-get", "apt"}, {"dnf", "dnf"}, {"yum", "yum"}, {"zypper", "zypper"}, {"pacman", "pacman"},
		{"apk", "apk"}, {"emerge", "portage"}, {"xbps-install", "xbps"}, {"opkg", "opkg"}, {"nix-env", "nix"},
	} {
		for _, dir := range []string{"/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/run/current-system/sw/bin/"} {
			if host.exists(dir + m.text) {
				return m.name
			}
		}
	}
	return nil
}
