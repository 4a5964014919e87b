package ssh

import (
	"strings"
	"time"
)

const (
	// slowTrip is from when a round trip is worth what it costs to save it.
	slowTrip = 20 * time.Millisecond

	// fillers is how many channels are asked for. With the session's answer the
	// refusals are longer than what a segment takes on Ethernet, 1,460 bytes: of
	// OpenSSH's they have 60 with the shortest of its ciphers.
	fillers = 25

	// fillerType is a type of channel that no server has.
	fillerType = "fill@luagw.invalid"
)

// fillSegment has the server's answer to the next packet sent at once, which is
// the one that asks for a session.
//
// OpenSSH's sshd leaves Nagle's algorithm on until a command runs, which holds
// what does not fill a segment as long as anything before it has not been
// acknowledged. After the login sshd says which host keys it has, unasked, and
// so the short answer to the session waits for that to be acknowledged: one round
// trip, of which nobody has anything. A full segment is never held. So channels of
// an unknown type are asked for behind the session, whose refusals (RFC 4254, section
// 5.1) come with its answer and fill the segment. They cost 2 KB each way, and
// sshd does not log them.
//
// This is done where it is of use: the connection is to sshd itself, and long.
// It owns a goroutine, and each of the channels one; they end with the answers,
// or with the connection.
func (s *session) fillSegment() {
	l := s.link
	if l.wire.trip < slowTrip || !strings.HasPrefix(string(l.client.ServerVersion()), "SSH-2.0-OpenSSH") {
		return
	}
	asked := l.wire.await(1)
	s.routines.Go(func() {
		select {
		case <-asked:
		case <-l.done:
			return
		}
		for range fillers {
			s.routines.Go(s.fill)
		}
	})
}

// fill asks for a channel that it does not get.
func (s *session) fill() {
	channel, _, err := s.link.client.OpenChannel(fillerType, nil)
	if err == nil {
		channel.Close()
	}
}
