//go:build !unix

package std

func (host system) kernel() any  { return nil }
func (host system) machine() any { return nil }
