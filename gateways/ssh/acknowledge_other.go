//go:build !linux

package ssh

import "net"

// acknowledge does nothing: this system has no way to say so.
func acknowledge(net.Conn) {}
