package std

import (
	"fmt"
	"io/fs"
	"os"

	glua "github.com/yuin/gopher-lua"
)

func fsStat(L *glua.LState) int {
	path := L.CheckString(1)
	info, err := os.Stat(path)
	return pushStat(L, path, info, err)
}

func fsLstat(L *glua.LState) int {
	path := L.CheckString(1)
	info, err := os.Lstat(path)
	return pushStat(L, path, info, err)
}

func pushStat(L *glua.LState, path string, info fs.FileInfo, err error) int {
	if err != nil {
		return fail(L, err)
	}
	L.Push(new(accounts).statTable(L, path, info))
	return 1
}

// statTable is info, of the file at path, as fragments see it.
func (as *accounts) statTable(L *glua.LState, path string, info fs.FileInfo) *glua.LTable {
	bits := modeBits(info.Mode())
	t := L.CreateTable(0, 14)
	t.RawSetString("name", glua.LString(info.Name()))
	t.RawSetString("size", glua.LNumber(info.Size()))
	t.RawSetString("mode", glua.LNumber(bits))
	t.RawSetString("perm", glua.LString(fmt.Sprintf("%04o", bits)))
	t.RawSetString("type", glua.LString(typeName(info.Mode())))
	t.RawSetString("mtime", glua.LNumber(float64(info.ModTime().UnixNano())/1e9))
	if uid, gid, ok := ownerOf(info); ok {
		t.RawSetString("uid", glua.LNumber(uid))
		t.RawSetString("gid", glua.LNumber(gid))
		setNonEmpty(t, "user", as.userName(uid))
		setNonEmpty(t, "group", as.groupName(gid))
	}
	if device, inode, links, ok := identityOf(info); ok {
		t.RawSetString("device", glua.LNumber(device))
		t.RawSetString("inode", glua.LNumber(inode))
		t.RawSetString("nlink", glua.LNumber(links))
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, _ := os.Readlink(path) // gone since: then it has none
		setNonEmpty(t, "target", target)
	}
	return t
}

func setNonEmpty(t *glua.LTable, key, value string) {
	if value != "" {
		t.RawSetString(key, glua.LString(value))
	}
}

func typeName(m fs.FileMode) string {
	switch m.Type() {
	case 0:
		return "file"
	case fs.ModeDir:
		return "dir"
	case fs.ModeSymlink:
		return "symlink"
	case fs.ModeNamedPipe:
		return "fifo"
	case fs.ModeSocket:
		return "socket"
	case fs.ModeDevice:
		return "block"
	case fs.ModeDevice | fs.ModeCharDevice:
		return "char"
	}
	return "other"
}
