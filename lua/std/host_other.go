//go:build !linux

package std

// What the Go runtime and the portable files cannot tell is not known here.

func (host system) bootTime() any       { return nil }
func (host system) cpuModel() any       { return nil }
func (host system) disks() any          { return nil }
func (host system) distro() any         { return nil }
func (host system) distroName() any     { return nil }
func (host system) distroVersion() any  { return nil }
func (host system) family() any         { return nil }
func (host system) init() any           { return nil }
func (host system) load() any           { return nil }
func (host system) memory() any         { return nil }
func (host system) mounts() any         { return nil }
func (host system) packageManager() any { return nil }
func (host system) uptime() any         { return nil }
func (host system) virtual() any        { return nil }
