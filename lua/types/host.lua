---@meta host

--- Facts on this host, as fields. A fact is found out when it is first
--- touched, and kept until `host.refresh`; so `pairs` shows only those touched
--- before. What a system cannot tell is nil: most of it on other systems than
--- Linux. A name that is no fact raises.
---@class host
---@field arch string processor, as Go names it: amd64, arm64 ...
---@field boot_time integer? when the host was started, in seconds since 1970
---@field cpu_model string? name of the processor
---@field cpus integer processors that this process may use
---@field disks host.Disk[]? block devices
---@field distro string? ID of the distribution, as in debian
---@field distro_name string? its name for people, as in `Debian GNU/Linux 12 (bookworm)`
---@field distro_version string? its version, as in 12
---@field env table<string, string> environment variables
---@field family string? debian, redhat, suse, arch, alpine, gentoo, void or nixos, or else the distribution
---@field groups host.Group[] groups of /etc/group
---@field hostname string? name of the host
---@field init string? what runs as process 1: systemd, openrc, sysvinit, busybox, runit, s6 ...
---@field interfaces host.Interface[]? network interfaces
---@field kernel string? release of the kernel
---@field load number[]? processes that want to run, over 1, 5 and 15 minutes
---@field machine string? processor, as the kernel names it: x86_64, aarch64 ...
---@field memory host.Memory? memory, of the host even within a container
---@field mounts host.Mount[]? file systems, in the order they were mounted
---@field os string operating system, as Go names it: linux, darwin ...
---@field package_manager string? apt, dnf, yum, zypper, pacman, apk, portage, xbps, opkg or nix
---@field timezone string? name of the zone, as in Europe/Berlin
---@field uptime number? seconds since the host was started
---@field user host.User who this process runs as; only the name and home where there is no more to tell
---@field users host.User[] users of /etc/passwd
---@field virtual string|false|nil what the host is a guest of: docker, podman, lxc, kubernetes, wsl, kvm, qemu, vmware, virtualbox, xen, hyperv ... or vm; false if of nothing that can be seen
host = {}

--- A block device.
---@class host.Disk
---@field name string as in sda
---@field size integer in bytes
---@field model string?
---@field vendor string?
---@field rotational boolean whether it is said to turn
---@field removable boolean
---@field read_only boolean

--- A file system.
---@class host.Mount
---@field device string what is mounted
---@field path string where
---@field type string as in ext4
---@field options string with commas between
---@field size integer? in bytes; nil if it did not tell within two seconds
---@field free integer? in bytes
---@field available integer? in bytes, to users who are not root

--- A network interface.
---@class host.Interface
---@field name string as in eth0
---@field mac string? hardware address
---@field mtu integer in bytes
---@field up boolean
---@field loopback boolean
---@field addresses string[] each with the length of its prefix, as in 10.0.0.5/24

--- Memory, in bytes.
---@class host.Memory
---@field total integer
---@field free integer
---@field available integer what may be had without swapping
---@field swap_total integer
---@field swap_free integer

--- A user.
---@class host.User
---@field name string
---@field uid integer
---@field gid integer the user's first group
---@field comment string the full name, in most cases
---@field home string
---@field shell string

--- A group.
---@class host.Group
---@field name string
---@field gid integer
---@field members string[] names of the users who have it beside their first one

--- Finds out several facts and returns them as a plain table, to be sent or
--- walked. Those which are not known are not in it.
---@param names? string[] which facts; all if nil
---@return table<string, any> facts
function host.facts(names) end

--- Forgets facts, so that they are found out again.
---@param names? string[] which facts; all if nil
function host.refresh(names) end

return host
