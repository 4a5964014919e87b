package std

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// statLimit bounds the wait for file systems to tell their sizes: that of a
// server which is gone never does.
const statLimit = 2 * time.Second

// mounts are what is mounted where this process sees it, in the order of
// mounting.
func (host system) mounts() any {
	text := host.read("/proc/self/mountinfo")
	if text == "" {
		return nil
	}
	var mounts []object
	for line := range strings.Lines(text) {
		if mount := parseMount(line); mount != nil {
			mounts = append(mounts, mount)
		}
	}
	addSizes(mounts)
	list := make([]any, len(mounts))
	for i, mount := range mounts {
		list[i] = mount
	}
	return list
}

// parseMount reads a line as proc_pid_mountinfo(5) has it:
//
//	36 35 98:0 /root /mnt/point rw,noatime master:1 - ext4 /dev/sda1 rw,errors=continue
//
// The number of fields before the dash varies.
func parseMount(line string) object {
	place, source, ok := strings.Cut(line, " - ")
	before, after := strings.Fields(place), strings.Fields(source)
	if !ok || len(before) < 6 || len(after) < 2 {
		return nil
	}
	options := before[5]
	if len(after) > 2 {
		options = joinOptions(options, after[2])
	}
	return object{
		"path":    unescapeMount(before[4]),
		"options": options,
		"type":    after[0],
		"device":  unescapeMount(after[1]),
	}
}

// joinOptions adds the options of a file system to those of its mount, which
// go first where both have a word, as rw.
func joinOptions(mount, filesystem string) string {
	for option := range strings.SplitSeq(filesystem, ",") {
		if option != "rw" && option != "ro" {
			mount += "," + option
		}
	}
	return mount
}

// unescapeMount undoes the kernel's \040 for a space and the like.
func unescapeMount(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// mountSize is what a file system answered.
type mountSize struct {
	mount int            // its place in the list
	stat  *unix.Statfs_t // nil if it cannot tell
}

// addSizes asks all file systems at the same time, except where to ask would
// have them mounted.
func addSizes(mounts []object) {
	answers := make(chan mountSize, len(mounts))
	asked := 0
	for i, mount := range mounts {
		if mount["type"] == "autofs" {
			continue
		}
		asked++
		path := mount["path"].(string)
		// Ends when the kernel answers; for a dead server that may be never,
		// and nothing can stop it. It holds one thread.
		go func() { answers <- mountSize{i, statfs(path)} }()
	}
	deadline := time.After(statLimit)
	for range asked {
		select {
		case a := <-answers:
			setSize(mounts[a.mount], a.stat)
		case <-deadline:
			return
		}
	}
}

func setSize(mount object, stat *unix.Statfs_t) {
	if stat == nil {
		return
	}
	block := uint64(stat.Frsize)
	if block == 0 {
		block = uint64(stat.Bsize)
	}
	mount["size"] = stat.Blocks * block
	mount["free"] = stat.Bfree * block
	mount["available"] = stat.Bavail * block
}

// statfs returns nil where the file system gives no answer.
func statfs(path string) *unix.Statfs_t {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return nil
	}
	return &stat
}
