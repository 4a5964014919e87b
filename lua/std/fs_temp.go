package std

import (
	"os"
	"strings"

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
	path, err := create(o.string("dir", ""), prefix+"*"+suffix)
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
