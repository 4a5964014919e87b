package std

import (
	"cmp"
	"os"
	"strings"

	"github.com/luagw/luagw/internal/allow"
	glua "github.com/yuin/gopher-lua"
)

func fsTemp(L *glua.LState) int {
	return makeTemp(L, func(dir, pattern string) (string, error) {
		file, err := os.CreateTemp(dir, pattern)
		if err != nil {
			return "", err
		}
		return file.Name(), file.Close()
	})
}

func fsTempDir(L *glua.LState) int { return makeTemp(L, os.MkdirTemp) }

// makeTemp makes a file or a directory which goes when the fragment ends.
func makeTemp(L *glua.LState, create func(dir, pattern string) (string, error)) int {
	o := checkOptions(L, 1, "dir", "prefix", "suffix", "keep")
	prefix, suffix := o.string("prefix", "luagw-"), o.string("suffix", "")
	if strings.ContainsAny(prefix+suffix, "*/\\\x00") {
		L.ArgError(1, "prefix and suffix are parts of a name: no slash and no star")
	}
	dir := o.string("dir", "")
	err := permitted(allow.Write, cmp.Or(dir, os.TempDir()))
	path := ""
	if err == nil {
		path, err = create(dir, prefix+"*"+suffix)
	}
	if err != nil {
		return fail(L, err)
	}
	if !o.bool("keep", false) {
		// What cannot be removed has nobody left to be told.
		Of(L).AtEnd(func() { _ = os.RemoveAll(path) })
	}
	L.Push(glua.LString(path))
	return 1
}
