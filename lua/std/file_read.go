package std

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	glua "github.com/yuin/gopher-lua"
)

const (
	// maxFileRead bounds what one format reads: a device without an end must
	// not take all memory.
	maxFileRead = 1 << 30

	// wholeRead is how much is read into memory taken beforehand. Beyond it
	// memory is taken as the bytes come, for a count proves nothing.
	wholeRead = 64 << 10

	// maxNumeral is the length of the longest text that is read as a number.
	maxNumeral = 200
)

var errTooMuch = fmt.Errorf("more than %d bytes at once", maxFileRead)

// readFormats reads what the arguments from first on ask for, a line if there
// are none, and pushes it. The first that finds nothing gives nil and ends the
// reading.
func readFormats(L *glua.LState, f *file, first int) int {
	top := L.GetTop()
	in, err := f.input()
	if err != nil {
		return failErrno(L, "", err)
	}
	for arg := first; arg <= max(top, first); arg++ {
		var v glua.LValue
		if arg > top {
			v, err = textOrNil(readRawLine(in))
		} else {
			v, err = readFormat(L, in, arg)
		}
		if err != nil {
			return failErrno(L, "", err)
		}
		L.Push(v)
		if v == glua.LNil {
			break
		}
	}
	return L.GetTop() - top
}

// readFormat reads what argument arg asks for; nil if there is none of it.
func readFormat(L *glua.LState, in *bufio.Reader, arg int) (glua.LValue, error) {
	if n, ok := L.Get(arg).(glua.LNumber); ok {
		if !(n >= 0) {
			L.ArgError(arg, fmt.Sprintf("cannot read %v bytes", n))
		}
		return textOrNil(readCount(in, int64(min(n, maxFileRead+1))))
	}
	format := L.CheckString(arg)
	switch {
	case strings.HasPrefix(format, "*n"):
		return readNumeral(in)
	case strings.HasPrefix(format, "*l"):
		return textOrNil(readRawLine(in))
	case strings.HasPrefix(format, "*a"):
		text, err := readUpTo(in, maxFileRead+1)
		return glua.LString(text), err
	}
	L.ArgError(arg, fmt.Sprintf(`invalid format %q (must be a number, "*n", "*l" or "*a")`, format))
	return nil, nil
}

// textOrNil makes nil of the end of the file.
func textOrNil(text string, err error) (glua.LValue, error) {
	if errors.Is(err, io.EOF) {
		return glua.LNil, nil
	}
	return glua.LString(text), err
}

// readCount reads n bytes, less at the end of the file, and fails with io.EOF
// at the end itself, even if n is 0.
func readCount(in *bufio.Reader, n int64) (string, error) {
	if _, err := in.Peek(1); err != nil {
		return "", err
	}
	if n > wholeRead {
		return readUpTo(in, n)
	}
	text := make([]byte, n)
	n2, err := io.ReadFull(in, text)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return string(text[:n2]), err
}

// readUpTo reads n bytes, or all that there are.
func readUpTo(in *bufio.Reader, n int64) (string, error) {
	var text strings.Builder
	_, err := io.Copy(&text, io.LimitReader(in, n))
	if err == nil && text.Len() > maxFileRead {
		err = errTooMuch
	}
	return text.String(), err
}

// readRawLine reads a line without its line feed. Nothing else is cut off it.
func readRawLine(in *bufio.Reader) (string, error) {
	var long []byte
	for {
		part, err := in.ReadSlice('\n')
		if err == nil && long == nil {
			return string(part[:len(part)-1]), nil
		}
		long = append(long, part...)
		switch {
		case err == nil:
			return string(long[:len(long)-1]), nil
		case errors.Is(err, io.EOF) && len(long) > 0:
			return string(long), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		case len(long) > maxFileRead:
			return "", errTooMuch
		}
	}
}

// readNumeral reads a number as C's fscanf does: the longest text that may
// begin one is read, and if it is none the result is nil.
func readNumeral(in *bufio.Reader) (glua.LValue, error) {
	s := numeral{in: in}
	s.scan()
	if s.err != nil {
		return nil, s.err
	}
	text := string(s.text)
	if s.hex && !strings.ContainsAny(text, "pP") {
		text += "p0" // which ParseFloat insists on
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return glua.LNil, nil
	}
	return glua.LNumber(n), nil
}

// numeral is the text of a number that is being read.
type numeral struct {
	in   *bufio.Reader
	text []byte
	hex  bool
	err  error // of reading; the end of the file is none
}

func (s *numeral) scan() {
	for s.accept(" \t\n\v\f\r") {
		s.text = s.text[:0]
	}
	s.accept("+-")
	digits, exponent := "0123456789", "eE"
	zero := s.accept("0")
	if zero && s.accept("xX") {
		s.hex = true
		digits, exponent = "0123456789abcdefABCDEF", "pP"
	}
	some := s.acceptAll(digits) || zero
	if s.accept(".") {
		some = s.acceptAll(digits) || some
	}
	if some && s.accept(exponent) {
		s.accept("+-")
		s.acceptAll("0123456789")
	}
}

// accept reads the next byte if it is among chars.
func (s *numeral) accept(chars string) bool {
	next, err := s.in.Peek(1)
	if err != nil {
		if !errors.Is(err, io.EOF) {
			s.err = err
		}
		return false
	}
	if strings.IndexByte(chars, next[0]) < 0 || len(s.text) == maxNumeral {
		return false
	}
	s.text = append(s.text, next[0])
	_, _ = s.in.Discard(1) // it is there: Peek has seen it
	return true
}

func (s *numeral) acceptAll(chars string) (some bool) {
	for s.accept(chars) {
		some = true
	}
	return some
}
