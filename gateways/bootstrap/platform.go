package bootstrap

import (
	"path"
	"strings"
)

// unames are what uname -sm says of platforms, as patterns of a shell. The
// agents for arm are built for ARMv6 with floating point; a kernel for 64 bits
// runs the agent for 64 bits whatever the rest of the system is.
var unames = []struct{ os, arch, patterns string }{
	{"linux", "amd64", `Linux?x86_64`},
	{"linux", "arm64", `Linux?aarch64|Linux?arm64`},
	{"linux", "arm", `Linux?armv[678]*`},
	{"linux", "386", `Linux?i[3456]86`},
	{"linux", "riscv64", `Linux?riscv64`},
	{"linux", "ppc64le", `Linux?ppc64le`},
	{"linux", "s390x", `Linux?s390x`},
	{"linux", "loong64", `Linux?loongarch64`},
	{"darwin", "amd64", `Darwin?x86_64`},
	{"darwin", "arm64", `Darwin?arm64`},
	{"freebsd", "amd64", `FreeBSD?amd64`},
	{"freebsd", "arm64", `FreeBSD?arm64|FreeBSD?aarch64`},
	{"netbsd", "amd64", `NetBSD?amd64`},
	{"openbsd", "amd64", `OpenBSD?amd64`},
}

// unamePatterns returns the patterns of a platform, joined by |; empty if it is
// not known.
func unamePatterns(goos, goarch string) string {
	for _, u := range unames {
		if u.os == goos && u.arch == goarch {
			return u.patterns
		}
	}
	return ""
}

// platformOf returns the platform that uname -sm tells of.
func platformOf(uname string) (goos, goarch string, ok bool) {
	for _, u := range unames {
		for pattern := range strings.SplitSeq(u.patterns, "|") {
			if match, _ := path.Match(pattern, uname); match {
				return u.os, u.arch, true
			}
		}
	}
	return "", "", false
}
