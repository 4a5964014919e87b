//go:build !release

package agents

import "io/fs"

var embedded fs.FS
