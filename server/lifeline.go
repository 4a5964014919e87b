package server

import (
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// lifeline is a connection that knows when something came in last.
type lifeline struct {
	net.Conn
	heard atomic.Int64 // in nanoseconds of Unix time
}

func (l *lifeline) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	l.heard.Store(time.Now().UnixNano())
	return n, err
}

// watch asks a client that is silent for a sign of life, and closes the
// connection if it remains silent for three times as long. It ends when done is
// closed or the connection is.
func (l *lifeline) watch(client ssh.Conn, interval time.Duration, done <-chan struct{}) {
	ticks := time.NewTicker(interval / 2)
	defer ticks.Stop()
	answered := make(chan error, 1)
	asked := false
	for {
		select {
		case <-done:
			return
		case err := <-answered:
			if err != nil {
				return
			}
			asked = false
			continue
		case <-ticks.C:
		}
		silent := time.Since(time.Unix(0, l.heard.Load()))
		if silent >= 3*interval {
			l.Close()
			return
		}
		if silent >= interval && !asked {
			asked = true
			go func() { // ends with the connection
				_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
				answered <- err
			}()
		}
	}
}
