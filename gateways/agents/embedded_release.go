//go:build release

package agents

import (
	"embed"
	"io/fs"
)

//go:embed packed
var packedFiles embed.FS

var embedded = must(fs.Sub(packedFiles, "packed"))

// must is for a directory whose name is a constant.
func must(dir fs.FS, err error) fs.FS {
	if err != nil {
		panic("agents: internal error: " + err.Error())
	}
	return dir
}
