package mux

import (
	"errors"
	"io"
	"os"
)

// Stdio takes the process's standard input and output for a connection. On
// Windows a Close does not interrupt a Read in progress: the process is to
// exit then. What was sent ahead of standard input is read first, without waiting
// for that, and skipped when it comes there; it is an error if something else does.
func Stdio(sentAhead []byte) (conn io.ReadWriteCloser, stray *os.File, err error) {
	in, out := os.Stdin, os.Stdout
	stray, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, err
	}
	os.Stdin, os.Stdout = null, w
	s := newStdio(in, out)
	s.ahead = newAhead(sentAhead)
	return s, stray, nil
}

// stdio is a pair of files as one connection.
type stdio struct {
	in, out *os.File
	ahead   ahead
}

func newStdio(in, out *os.File) *stdio { return &stdio{in: in, out: out} }

func (s *stdio) Read(p []byte) (int, error) {
	if s.ahead.left() {
		return s.ahead.read(s.in, p)
	}
	return s.in.Read(p)
}

func (s *stdio) Write(p []byte) (int, error) { return s.out.Write(p) }
func (s *stdio) Close() error                { return errors.Join(s.in.Close(), s.out.Close()) }
