package ssh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw"
)

// pinSearch looks for the pinned key among those that a server has. A server shows
// one key in each connection, of the type that this side likes best, and tells of
// the others only who has logged in, which is too late. So each connection leaves
// out the types of those that came before, and there is one for each type at the
// most. All of them together have the time of one: that of the stage in which the
// first key was shown.
type pinSearch struct {
	began  time.Time         // the stage, in the first connection that showed a key
	shown  []gossh.PublicKey // none of which is the pinned one
	failed *HostKeyError     // about the first
}

// until is when the time for a connection is over.
func (s *pinSearch) until(h *host) time.Time {
	if len(s.shown) == 0 {
		return time.Now().Add(h.each)
	}
	return s.began.Add(h.each)
}

// enter begins to agree on a key.
func (s *pinSearch) enter(clock *clock) {
	if len(s.shown) == 0 {
		s.began = time.Now()
		return
	}
	clock.backdate(s.began)
}

// algorithms are those of a list that are still to be asked for, of the wanted
// type first.
func (s *pinSearch) algorithms(list []string, wanted string) []string {
	var first, rest []string
	for _, name := range list {
		switch kind := keyTypeOf(name); {
		case slices.ContainsFunc(s.shown, func(key gossh.PublicKey) bool { return key.Type() == kind }):
		case kind == wanted:
			first = append(first, name)
		default:
			rest = append(rest, name)
		}
	}
	return append(first, rest...)
}

// loginPinned logs in where one key is pinned.
func (d *Dialer) loginPinned(ctx context.Context, h *host, below way) (*link, error) {
	s := new(pinSearch)
	for {
		l, err := d.insist(ctx, h, below, s)
		key, ok := errors.AsType[*HostKeyError](err)
		if !ok || key.Problem != HostKeyChanged {
			return l, s.explain(err, h)
		}
		s.add(key)
		if len(s.algorithms(h.hostKeyAlgorithms(nil), "")) == 0 {
			return nil, fault(luagw.StageHostKey, s.failed)
		}
	}
}

func (s *pinSearch) add(key *HostKeyError) {
	s.shown = append(s.shown, key.key)
	if s.failed == nil {
		s.failed = key
		return
	}
	s.failed.Others = append(s.failed.Others, key.shown())
}

// explain tells why the search has ended with err, which may be nil.
func (s *pinSearch) explain(err error, h *host) error {
	at, _ := errors.AsType[*stageError](err)
	none, _ := errors.AsType[*gossh.AlgorithmNegotiationError](err)
	switch {
	case s.failed == nil || err == nil:
		return err
	case none != nil && none.What == "host key": // there is no other type left
		return fault(luagw.StageHostKey, s.failed)
	case at == nil || at.stage == luagw.StageAuth: // the pinned key was shown
		return err
	}
	before := fmt.Errorf("%w; before, it has shown %s, but hostkey= wants %s%w", err, s.failed.shown(), h.trust.pinned, hidden{s.failed})
	return &stageError{stage: at.stage, said: at.said, err: before}
}

// pinnedType is the type of the key that is pinned, as far as it is known from a
// login before or from a file of known hosts; empty if it is not.
func (d *Dialer) pinnedType(h *host, known []knownKey) string {
	if h.trust.pinned == "" {
		return ""
	}
	if kind, ok := d.pins.Load(h.trust.pinned); ok {
		return kind.(string)
	}
	for _, k := range known {
		if gossh.FingerprintSHA256(k.key) == h.trust.pinned {
			return k.key.Type()
		}
	}
	return ""
}

// remember keeps the type of the pinned key, so that the next connection asks for
// it at once: each one that shows another key is one more without a login, which
// sshd holds against an address.
func (d *Dialer) remember(h *host, key gossh.PublicKey) {
	if h.trust.pinned != "" {
		d.pins.Store(h.trust.pinned, keyTypeOf(key.Type()))
	}
}

// keyTypeOf is the type of key that an algorithm or a type of certificate is for.
func keyTypeOf(algorithm string) string {
	kind, certified := strings.CutSuffix(algorithm, certificateSuffix)
	if certified && strings.HasPrefix(kind, "sk-") {
		kind += "@openssh.com"
	}
	if kind == gossh.KeyAlgoRSASHA256 || kind == gossh.KeyAlgoRSASHA512 {
		return gossh.KeyAlgoRSA
	}
	return kind
}
