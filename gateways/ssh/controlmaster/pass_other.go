//go:build !unix

package controlmaster

import (
	"errors"
	"os"
)

// pass cannot be done here.
func (c *Conn) pass(*os.File) error { return errors.ErrUnsupported }
