// Package socket connects to hosts and Unix sockets without package net's dialer
// and resolver, which would be a fourteenth of an agent. What it leaves out: it
// asks /etc/hosts and DNS for names and no other service of the host's, and it
// tries the addresses of a name one after the other.
//
// All functions may be called concurrently. Connections have CloseWrite and
// deadlines as those of package net, one goroutine at a time may read and one
// may write, and Close may be called at any time.
package socket
