package server

import "io/fs"

// checkTrusted checks nothing: the modes of files say nothing of Windows' access
// control.
func checkTrusted(string, fs.FileInfo, fs.FileMode) error { return nil }
