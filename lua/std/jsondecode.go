package std

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	glua "github.com/yuin/gopher-lua"
)

// jsonDecoder reads one text. Strings are copied out of it, so that a small
// part which a fragment keeps does not keep the whole.
type jsonDecoder struct {
	L     *glua.LState
	text  string
	at    int // offset of the next byte
	depth int

	// stack holds the items of the lists and objects begun, so that each
	// table is made when its size is known: gopher-lua's own growth starts
	// at 32 slots.
	stack []glua.LValue
	names map[string]glua.LString // member names met, for most come again
}

func (d *jsonDecoder) decode() (glua.LValue, error) {
	v, err := d.value()
	if err == nil {
		d.space()
		if d.at < len(d.text) {
			err = fmt.Errorf("%s after the value", d.here())
		}
	}
	if err != nil {
		line, column := d.position()
		return nil, fmt.Errorf("json.decode: line %d, column %d: %w", line, column, err)
	}
	return v, nil
}

// position counts lines and characters from 1.
func (d *jsonDecoder) position() (line, column int) {
	before := d.text[:d.at]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// here describes what stands at the place reached.
func (d *jsonDecoder) here() string {
	if d.at >= len(d.text) {
		return "end of text"
	}
	r, _ := utf8.DecodeRuneInString(d.text[d.at:])
	return "unexpected " + strconv.QuoteRune(r)
}

func (d *jsonDecoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return
		}
	}
}

// next returns the next byte after white space without taking it, 0 at the end.
func (d *jsonDecoder) next() byte {
	d.space()
	if d.at >= len(d.text) {
		return 0
	}
	return d.text[d.at]
}

func (d *jsonDecoder) value() (glua.LValue, error) {
	switch c := d.next(); c {
	case '{':
		return d.nested(d.object)
	case '[':
		return d.nested(d.list)
	case '"':
		s, err := d.string()
		return glua.LString(strings.Clone(s)), err
	case 't':
		return d.word("true", glua.LTrue)
	case 'f':
		return d.word("false", glua.LFalse)
	case 'n':
		return d.word("null", Null)
	default:
		if c == '-' || isDigit(c) {
			return d.number()
		}
		return nil, fmt.Errorf("%s where a value should be", d.here())
	}
}

func (d *jsonDecoder) word(word string, v glua.LValue) (glua.LValue, error) {
	if !strings.HasPrefix(d.text[d.at:], word) {
		return nil, fmt.Errorf("%s where a value should be", d.here())
	}
	d.at += len(word)
	return v, nil
}

func (d *jsonDecoder) nested(read func() (glua.LValue, error)) (glua.LValue, error) {
	if d.depth == maxJSONDepth {
		return nil, fmt.Errorf("more than %d levels deep", maxJSONDepth)
	}
	d.depth++
	d.at++ // the bracket
	v, err := read()
	d.depth--
	return v, err
}

func (d *jsonDecoder) list() (glua.LValue, error) {
	base := len(d.stack)
	if d.next() == ']' {
		d.at++
		t := d.L.NewTable()
		MarkList(d.L, t)
		return t, nil
	}
	for {
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		d.stack = append(d.stack, v)
		more, err := d.more(']')
		if err != nil {
			return nil, err
		}
		if !more {
			return d.makeList(base), nil
		}
	}
}

func (d *jsonDecoder) makeList(base int) *glua.LTable {
	items := d.stack[base:]
	t := d.L.CreateTable(len(items), 0)
	for i, v := range items {
		t.RawSetInt(i+1, v)
	}
	d.stack = d.stack[:base]
	return t
}

func (d *jsonDecoder) object() (glua.LValue, error) {
	base := len(d.stack)
	if d.next() == '}' {
		d.at++
		t := d.L.NewTable()
		MarkMap(d.L, t)
		return t, nil
	}
	for {
		if err := d.member(); err != nil {
			return nil, err
		}
		more, err := d.more('}')
		if err != nil {
			return nil, err
		}
		if !more {
			return d.makeMap(base), nil
		}
	}
}

// member puts a name and its value on the stack.
func (d *jsonDecoder) member() error {
	if d.next() != '"' {
		return fmt.Errorf("%s where a name in quotes should be", d.here())
	}
	s, err := d.string()
	if err != nil {
		return err
	}
	name, ok := d.names[s]
	if !ok {
		name = glua.LString(strings.Clone(s))
		d.names[string(name)] = name
	}
	if d.next() != ':' {
		return fmt.Errorf("%s where a colon should be", d.here())
	}
	d.at++
	v, err := d.value()
	if err != nil {
		return err
	}
	d.stack = append(d.stack, name, v)
	return nil
}

func (d *jsonDecoder) makeMap(base int) *glua.LTable {
	members := d.stack[base:]
	t := d.L.CreateTable(0, len(members)/2)
	for i := 0; i < len(members); i += 2 {
		t.RawSetString(string(members[i].(glua.LString)), members[i+1])
	}
	d.stack = d.stack[:base]
	return t
}

// more takes the comma before another item, or the bracket that ends them.
func (d *jsonDecoder) more(end byte) (bool, error) {
	switch d.next() {
	case ',':
		d.at++
		return true, nil
	case end:
		d.at++
		return false, nil
	}
	return false, fmt.Errorf("%s where %q or %q should be", d.here(), ",", string(end))
}

// number reads what RFC 8259 allows. Whole numbers stay exact as far as an
// [Int64] goes; beyond that, and with a fraction or exponent, the nearest
// float64 is taken.
func (d *jsonDecoder) number() (glua.LValue, error) {
	start := d.at
	if d.text[d.at] == '-' {
		d.at++
	}
	leading := d.at
	if d.digits() == 0 {
		return nil, fmt.Errorf("%s where a digit should be", d.here())
	}
	if d.text[leading] == '0' && d.at > leading+1 {
		d.at = leading + 1
		return nil, errors.New("number with a leading zero")
	}
	whole, err := d.fraction()
	if err != nil {
		return nil, err
	}
	return d.makeNumber(d.text[start:d.at], whole)
}

// fraction reads what may follow a number's whole part, and reports whether
// nothing did.
func (d *jsonDecoder) fraction() (whole bool, err error) {
	whole = true
	if d.peek() == '.' {
		d.at++
		whole = false
		if d.digits() == 0 {
			return false, fmt.Errorf("%s where a digit should be", d.here())
		}
	}
	if d.peek() != 'e' && d.peek() != 'E' {
		return whole, nil
	}
	d.at++
	if d.peek() == '+' || d.peek() == '-' {
		d.at++
	}
	if d.digits() == 0 {
		return false, fmt.Errorf("%s where a digit should be", d.here())
	}
	return false, nil
}

func (d *jsonDecoder) makeNumber(literal string, whole bool) (glua.LValue, error) {
	if whole && literal != "-0" {
		n, ok := parseInt64(literal)
		if ok && n.magnitude <= maxExact {
			return glua.LNumber(n.float()), nil
		}
		if ok {
			return n.value(d.L), nil
		}
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		return nil, fmt.Errorf("number %s is out of range", literal)
	}
	return glua.LNumber(f), nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (d *jsonDecoder) digits() (n int) {
	for isDigit(d.peek()) {
		d.at++
		n++
	}
	return n
}

// peek returns the next byte without taking it, 0 at the end.
func (d *jsonDecoder) peek() byte {
	if d.at >= len(d.text) {
		return 0
	}
	return d.text[d.at]
}

// string reads a string. The result may be a part of the text.
func (d *jsonDecoder) string() (string, error) {
	start := d.at + 1
	for i := start; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case c == '"':
			d.at = i + 1
			return d.checkUTF8(start, d.text[start:i])
		case c == '\\':
			return d.escaped(start, i)
		case c < ' ':
			d.at = i
			return "", fmt.Errorf("control character %q within a string", c)
		}
	}
	d.at = len(d.text)
	return "", errors.New("string without an end")
}

func (d *jsonDecoder) checkUTF8(start int, s string) (string, error) {
	if utf8.ValidString(s) {
		return s, nil
	}
	d.at = start
	return "", errors.New("string is not UTF-8")
}

// escaped reads on from the first backslash of a string, which is at i.
func (d *jsonDecoder) escaped(start, i int) (string, error) {
	buf := append(make([]byte, 0, i-start+32), d.text[start:i]...)
	d.at = i
	for d.at < len(d.text) {
		c := d.text[d.at]
		switch {
		case c == '"':
			d.at++
			return d.checkUTF8(start, string(buf))
		case c < ' ':
			return "", fmt.Errorf("control character %q within a string", c)
		case c != '\\':
			buf = append(buf, c)
			d.at++
		default:
			var err error
			if buf, err = d.escape(buf); err != nil {
				return "", err
			}
		}
	}
	return "", errors.New("string without an end")
}

// escape takes the backslash reached and what belongs to it.
func (d *jsonDecoder) escape(buf []byte) ([]byte, error) {
	const letters, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if d.at+1 < len(d.text) {
		c := d.text[d.at+1]
		if i := strings.IndexByte(letters, c); i >= 0 {
			d.at += 2
			return append(buf, meanings[i]), nil
		}
		if c == 'u' {
			return d.unicode(buf)
		}
	}
	return nil, errors.New("unknown escape in a string")
}

func (d *jsonDecoder) unicode(buf []byte) ([]byte, error) {
	r, ok := d.hex4(d.at)
	if !ok {
		return nil, errors.New(`\u without four hexadecimal digits`)
	}
	size := 6
	if utf16.IsSurrogate(r) {
		low, ok := d.hex4(d.at + size)
		r = utf16.DecodeRune(r, low)
		if !ok || r == utf8.RuneError {
			return nil, errors.New("half of a surrogate pair")
		}
		size += 6
	}
	d.at += size
	return utf8.AppendRune(buf, r), nil
}

// hex4 reads \uXXXX at offset at.
func (d *jsonDecoder) hex4(at int) (rune, bool) {
	if at+6 > len(d.text) || d.text[at:at+2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(d.text[at+2:at+6], 16, 16)
	return rune(n), err == nil
}
