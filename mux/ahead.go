package mux

import (
	"bytes"
	"errors"
	"io"
)

// errOtherAhead is the end of a connection that brings something else than was
// sent ahead of it: what was acted upon is not what the peer has said.
var errOtherAhead = errors.New("the connection begins with other bytes than were sent ahead of it")

// ahead are the first bytes of a connection, which have come another way already.
// They are the reader's.
type ahead struct {
	first []byte // not yet read
	again []byte // still to come once more, and to be skipped; empty when all is over
}

func newAhead(first []byte) ahead { return ahead{first, first} }

// left says whether there is anything to do.
func (a *ahead) left() bool { return len(a.again) > 0 }

// read returns the first bytes, without waiting for r, and then what r has behind
// the same bytes. Where r has others it returns an error.
func (a *ahead) read(r io.Reader, p []byte) (int, error) {
	if n := copy(p, a.first); n > 0 {
		a.first = a.first[n:]
		return n, nil
	}
	for {
		n, err := r.Read(p)
		same := min(n, len(a.again))
		if !bytes.Equal(p[:same], a.again[:same]) {
			return 0, errOtherAhead
		}
		a.again = a.again[same:]
		if n > same || err != nil {
			return copy(p, p[same:n]), err
		}
	}
}
