//go:build unix

package mux

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/luagw/luagw/internal/busy"
	"golang.org/x/sys/unix"
)

// Stdio takes the process's standard input and output for a connection. The
// descriptors are moved to higher ones which children do not inherit and whose
// Close interrupts a Read in progress; descriptor 0 then reads from the null
// device, and what anything writes to descriptor 1 can be read from stray. What
// was sent ahead of standard input is read first, without waiting for that, and
// skipped when it comes there; it is an error if something else does. Stdio
// may be called once, before anything else uses standard input or output.
func Stdio(sentAhead []byte) (conn io.ReadWriteCloser, stray *os.File, err error) {
	in, err := move(0, "stdin")
	if err != nil {
		return nil, nil, err
	}
	out, err := move(1, "stdout")
	if err != nil {
		return nil, nil, err
	}
	stray, err = redirect()
	if err != nil {
		return nil, nil, err
	}
	s := newStdio(in, out)
	s.ahead = newAhead(sentAhead)
	return s, stray, nil
}

// move duplicates fd to a descriptor that is closed on exec and non-blocking,
// so that the runtime polls it instead of blocking a thread in it.
func move(fd int, name string) (*os.File, error) {
	moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("move %s: %w", name, err)
	}
	if err := unix.SetNonblock(moved, true); err != nil {
		return nil, fmt.Errorf("move %s: %w", name, err)
	}
	return os.NewFile(uintptr(moved), name), nil
}

// redirect points descriptor 0 at the null device and 1 at a new pipe.
func redirect() (stray *os.File, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	stray, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if err := dup2(int(null.Fd()), 0); err != nil {
		return nil, fmt.Errorf("redirect stdin: %w", err)
	}
	if err := dup2(int(w.Fd()), 1); err != nil {
		return nil, fmt.Errorf("redirect stdout: %w", err)
	}
	return stray, nil
}

// stdio is a pair of files as one connection.
type stdio struct {
	in, out *os.File
	soon    *busy.Reader // of in
	room    *busy.Writer // of out
	ahead   ahead
}

func newStdio(in, out *os.File) *stdio {
	return &stdio{in: in, out: out, soon: busy.NewReader(in), room: busy.NewWriter(out)}
}

func (s *stdio) Read(p []byte) (int, error) {
	if s.ahead.left() {
		return s.ahead.read(s.in, p)
	}
	return s.in.Read(p)
}

func (s *stdio) Write(p []byte) (int, error) { return s.out.Write(p) }

// SetReadDeadline bounds Read, also one in progress.
func (s *stdio) SetReadDeadline(t time.Time) error { return s.in.SetReadDeadline(t) }

// Poll reads what arrives within d, without going to sleep.
func (s *stdio) Poll(p []byte, d time.Duration) int {
	if s.ahead.left() {
		return 0
	}
	return s.soon.Poll(p, d)
}

// PollWrite writes what is taken without going to sleep.
func (s *stdio) PollWrite(p []byte, d time.Duration) int { return s.room.PollWrite(p, d) }

func (s *stdio) Close() error { return errors.Join(s.in.Close(), s.out.Close()) }
