package std

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	glua "github.com/yuin/gopher-lua"
)

func fsLibrary() Library {
	return Library{
		Name: "fs",
		Funcs: guarded(map[string]glua.LGFunction{
			"append":   fsAppend,
			"chmod":    fsChmod,
			"chown":    fsChown,
			"copy":     fsCopy,
			"cwd":      fsCwd,
			"exists":   fsExists,
			"glob":     fsGlob,
			"lines":    fsLines,
			"list":     fsList,
			"lstat":    fsLstat,
			"mkdir":    fsMkdir,
			"read":     fsRead,
			"readlink": fsReadlink,
			"remove":   fsRemove,
			"rename":   fsRename,
			"stat":     fsStat,
			"symlink":  fsSymlink,
			"temp":     fsTemp,
			"temp_dir": fsTempDir,
			"touch":    fsTouch,
			"walk":     fsWalk,
			"write":    fsWrite,
		}, fsGuards),
	}
}

// pushDone pushes true, or reports err.
func pushDone(L *glua.LState, err error) int {
	if err != nil {
		return failed(L, err)
	}
	L.Push(glua.LTrue)
	return 1
}

// listOfStrings is words as a Lua list.
func listOfStrings(L *glua.LState, words []string) *glua.LTable {
	t := L.CreateTable(len(words), 0)
	for _, word := range words {
		t.Append(glua.LString(word))
	}
	return t
}

func fsExists(L *glua.LState) int {
	_, err := os.Stat(L.CheckString(1))
	if err != nil && !isAbsent(err) {
		return fail(L, err)
	}
	L.Push(glua.LBool(err == nil))
	return 1
}

// isAbsent reports whether err says that there is nothing at a path, as it
// does too where a part of the path is no directory.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func fsList(L *glua.LState) int {
	entries, err := os.ReadDir(L.CheckString(1))
	if err != nil {
		return fail(L, err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	L.Push(listOfStrings(L, names))
	return 1
}

func fsMkdir(L *glua.LState) int {
	path := L.CheckString(1)
	o := checkOptions(L, 2, "parents", "mode")
	mode := o.mode()
	_, statErr := os.Stat(path)
	make := os.Mkdir
	if o.bool("parents", false) {
		make = os.MkdirAll
	}
	err := make(path, 0o777)
	if err == nil && mode != nil && statErr != nil {
		err = os.Chmod(path, mode(fs.ModeDir)) // the umask does not apply to what was asked for
	}
	return pushDone(L, err)
}

func fsRename(L *glua.LState) int {
	return pushDone(L, os.Rename(L.CheckString(1), L.CheckString(2)))
}

func fsSymlink(L *glua.LState) int {
	target, link := L.CheckString(1), L.CheckString(2)
	err := permittedLink(target, link)
	if err == nil {
		err = os.Symlink(target, link)
	}
	return pushDone(L, err)
}

func fsReadlink(L *glua.LState) int {
	target, err := os.Readlink(L.CheckString(1))
	if err != nil {
		return fail(L, err)
	}
	L.Push(glua.LString(target))
	return 1
}

func fsCwd(L *glua.LState) int {
	dir, err := os.Getwd()
	if err != nil {
		return fail(L, err)
	}
	L.Push(glua.LString(dir))
	return 1
}

func fsChown(L *glua.LState) int {
	path := L.CheckString(1)
	user, group := checkOwner(L, 2), checkOwner(L, 3)
	follow := checkOptions(L, 4, "follow").bool("follow", true)
	if user == "" && group == "" {
		L.ArgError(2, "user or group expected")
	}
	ctx, as := Of(L).Context(), new(accounts)
	uid, err := ownerID(ctx, user, as.uid)
	if err != nil {
		return failed(L, err)
	}
	gid, err := ownerID(ctx, group, as.gid)
	if err != nil {
		return failed(L, err)
	}
	chown := os.Chown
	if !follow {
		chown = os.Lchown
	}
	return pushDone(L, chown(path, uid, gid))
}

// checkOwner returns an argument that is the name or the id of a user or a
// group, "" if it is nil.
func checkOwner(L *glua.LState, arg int) string {
	switch v := L.Get(arg).(type) {
	case *glua.LNilType:
		return ""
	case glua.LNumber:
		if v < 0 || v > 1<<32-2 || v != glua.LNumber(int64(v)) {
			L.ArgError(arg, fmt.Sprintf("id %v is out of range", v))
		}
		return strconv.FormatInt(int64(v), 10)
	}
	name := L.CheckString(arg)
	if name == "" {
		L.ArgError(arg, "name is empty")
	}
	return name
}

// ownerID is the id that name stands for, -1 for none, which chown leaves
// alone.
func ownerID(ctx context.Context, name string, lookUp func(context.Context, string) (int, error)) (int, error) {
	if name == "" {
		return -1, nil
	}
	return lookUp(ctx, name)
}

func fsTouch(L *glua.LState) int {
	path := L.CheckString(1)
	o := checkOptions(L, 2, "mtime", "mode")
	when, mode := o.mtime(), o.mode()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err == nil {
		err = file.Close()
	} else if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err == nil && mode != nil {
		err = os.Chmod(path, mode(0))
	}
	if err == nil {
		err = os.Chtimes(path, when, when)
	}
	return pushDone(L, err)
}

// mtime returns the option "mtime", in seconds since 1970; now if it was not
// given.
func (o options) mtime() time.Time {
	v := o.get("mtime")
	if v == glua.LNil {
		return time.Now()
	}
	seconds, ok := v.(glua.LNumber)
	if !ok || !(seconds > -1e11 && seconds < 1e11) {
		o.refuse("mtime", "seconds since 1970", v)
	}
	whole := int64(seconds)
	return time.Unix(whole, int64((float64(seconds)-float64(whole))*1e9))
}

func fsRemove(L *glua.LState) int {
	path := L.CheckString(1)
	recursive := checkOptions(L, 2, "recursive").bool("recursive", false)
	if reason := unremovable(path); reason != "" {
		L.ArgError(1, fmt.Sprintf("%q: %s", path, reason))
	}
	path = filepath.Clean(path) // a link with a slash behind it is still a link
	_, err := os.Lstat(path)
	existed := err == nil
	if existed {
		err = removePath(Of(L).Context(), path, recursive)
	}
	if err != nil && !isAbsent(err) {
		return failed(L, err)
	}
	L.Push(glua.LTrue)
	L.Push(glua.LBool(existed))
	return 2
}

// unremovable says why nobody can mean to remove path, "" if one may.
func unremovable(path string) string {
	if path == "" {
		return "path is empty"
	}
	if strings.ContainsRune(path, 0) {
		return "path contains a zero byte"
	}
	clean := filepath.Clean(path)
	if base := filepath.Base(clean); base == "." || base == ".." {
		return "refusing to remove the working directory or one above it"
	}
	if abs, err := filepath.Abs(clean); err == nil && filepath.Dir(abs) == abs {
		return "refusing to remove the root directory"
	}
	return ""
}

func ignoreAbsent(err error) error {
	if isAbsent(err) {
		return nil
	}
	return err
}
