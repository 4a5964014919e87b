// Package types holds the definitions of what fragments find built in, one
// file a module, in the annotations that the Lua language server reads: so
// editors complete and check fragments, and doc/lua.md has its reference from
// the same source. A test compares them with the code.
//
// [FS] has the files to write them somewhere; [Files] has them parsed, and
// [Markdown] renders them.
package types

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// FS holds the definition files, NAME.lua each.
//
//go:embed *.lua
var FS embed.FS

// firstFiles and lastFiles are not modules and have their places in the order
// of the reference; the modules are between, by name.
var (
	firstFiles = []string{"globals", "channel"}
	lastFiles  = []string{"luagw"}
)

// Files parses all definition files and returns them in the order of the
// reference: globals, the channel, the modules by name, and what is only on
// the near side.
func Files() ([]*File, error) {
	names, err := fs.Glob(FS, "*.lua")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(names, compareFiles)
	files := make([]*File, len(names))
	for i, name := range names {
		source, err := FS.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if files[i], err = Parse(strings.TrimSuffix(name, path.Ext(name)), string(source)); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func compareFiles(a, b string) int {
	a, b = strings.TrimSuffix(a, ".lua"), strings.TrimSuffix(b, ".lua")
	if byPlace := place(a) - place(b); byPlace != 0 {
		return byPlace
	}
	return strings.Compare(a, b)
}

func place(name string) int {
	if i := slices.Index(firstFiles, name); i >= 0 {
		return i - len(firstFiles)
	}
	return slices.Index(lastFiles, name) + 1
}
