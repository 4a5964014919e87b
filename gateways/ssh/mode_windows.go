package ssh

import "io/fs"

// isOpenToOthers says no: who may use a file is not told by its mode here.
func isOpenToOthers(fs.FileInfo) bool { return false }

// checkOwner refuses nothing, for the same reason.
func checkOwner(fs.FileInfo) error { return nil }
