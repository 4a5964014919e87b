package ssh

import (
	"context"
	"encoding/base64"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw"
)

const (
	// maxKept is how much is kept of what is written before the session is open.
	maxKept = 64 << 10

	// maxAhead is how much of that goes into a variable as well, if it is no
	// more: in base64 it fits into a packet of 32 KiB, which all servers take.
	maxAhead = 16 << 10
)

var _ luagw.Bootstrapper = (*session)(nil)

// openAhead opens the session on a goroutine of its own, which ends when what
// was written meanwhile is on its way. It holds the lock for writing until then:
// what is not kept any more comes behind that.
func (s *session) openAhead(request, what string, opts RunOptions) {
	s.keeping = true
	s.writing.Lock()
	s.routines.Go(func() {
		defer s.writing.Unlock()
		kept, err := s.open(context.Background(), request, what, opts)
		if err != nil {
			s.take()
			s.refuse(err)
			return
		}
		s.channel.Write(kept) // an error comes to the next Write, and to Read
	})
}

// open opens the session and asks for what is to be run. It returns what was
// kept, which is to be written now.
func (s *session) open(ctx context.Context, request, what string, opts RunOptions) (kept []byte, err error) {
	l := s.link
	clock, stop := startClock(ctx, l.host.each, luagw.StageSpawn, func() { l.wire.Close() })
	defer stop()
	s.fillSegment()
	channel, requests, err := l.client.OpenChannel("session", nil)
	if err != nil {
		return nil, l.spawnError(clock, "does not open a session", err)
	}
	s.attach(channel, requests)
	if opts.PTY {
		ok, err := channel.SendRequest("pty-req", true, rawTerminal())
		if err != nil || !ok {
			return nil, l.spawnError(clock, "gives no terminal", err)
		}
	}
	kept = s.take()
	for _, name := range append(l.host.environment(), aheadIn(opts.Ahead, kept)...) {
		channel.SendRequest("env", false, gossh.Marshal(name)) // a server may refuse, and that does not matter
	}
	if err := s.ask(request, what); err != nil {
		return nil, l.spawnError(clock, "does not run the command", err)
	}
	if _, cut := clock.at(); cut != nil {
		return nil, l.spawnError(clock, "does not run the command", cut)
	}
	return kept, nil
}

// aheadIn is the variable with what was written ahead; none if that is nothing,
// or too much.
func aheadIn(name string, kept []byte) []variable {
	if name == "" || len(kept) == 0 || len(kept) > maxAhead {
		return nil
	}
	return []variable{{name, base64.RawURLEncoding.EncodeToString(kept)}}
}

// keep keeps as much of p as there is room for, while the session is opened.
func (s *session) keep(p []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.keeping {
		return 0
	}
	n := min(len(p), maxKept-len(s.kept))
	s.kept = append(s.kept, p[:n]...)
	return n
}

// take ends the keeping, and returns what was kept.
func (s *session) take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.kept
	s.keeping, s.kept = false, nil
	return kept
}

// isOpened says whether the session is open, or never will be.
func (s *session) isOpened() bool {
	select {
	case <-s.opened:
		return true
	default:
		return false
	}
}

// Progress implements [luagw.Bootstrapper]: it is for this package to say how
// long opening the session may take.
func (s *session) Progress() int64 {
	if s.isOpened() {
		return s.asked.Load()
	}
	return s.asked.Add(1)
}
