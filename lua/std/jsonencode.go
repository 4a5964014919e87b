package std

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"unicode/utf8"

	glua "github.com/yuin/gopher-lua"
)

// jsonEncoder appends values to buf. Its errors are *pathError.
type jsonEncoder struct {
	buf    []byte
	indent int // spaces a level; all on one line if 0
	sorted bool
	within []*glua.LTable // the tables around the value at hand, to see cycles
}

// pathError tells what is wrong with one place within a value. The path grows
// at the front while the error travels up, so that a good value pays nothing.
type pathError struct {
	path, text string
}

func (e *pathError) Error() string { return "item" + e.path + ": " + e.text }

// under puts a step before the path of what is wrong further down.
func (e *pathError) under(step string) *pathError {
	e.path = step + e.path
	return e
}

func refuse(format string, args ...any) *pathError {
	return &pathError{text: fmt.Sprintf(format, args...)}
}

func (e *jsonEncoder) encode(v glua.LValue) *pathError {
	switch v := v.(type) {
	case *glua.LNilType:
		e.buf = append(e.buf, "null"...)
		return nil
	case glua.LBool:
		e.buf = strconv.AppendBool(e.buf, bool(v))
		return nil
	case glua.LNumber:
		return e.number(float64(v))
	case glua.LString:
		return e.string(string(v))
	case *glua.LTable:
		return e.table(v)
	case *glua.LUserData:
		return e.userData(v)
	}
	return refuse("%s", v.Type())
}

func (e *jsonEncoder) userData(ud *glua.LUserData) *pathError {
	if IsNull(ud) {
		e.buf = append(e.buf, "null"...)
		return nil
	}
	if n, ok := userInt64(ud); ok {
		e.buf = append(e.buf, n.String()...)
		return nil
	}
	return refuse("userdata")
}

func (e *jsonEncoder) number(f float64) *pathError {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return refuse("%v is no JSON number", f)
	}
	e.buf = appendNumber(e.buf, f)
	return nil
}

// appendNumber writes whole numbers without an exponent as far as they are
// exact, and else the shortest decimal that reads back as f.
func appendNumber(buf []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) <= maxExact && !(f == 0 && math.Signbit(f)) {
		return strconv.AppendInt(buf, int64(f), 10)
	}
	return strconv.AppendFloat(buf, f, 'g', -1, 64)
}

func (e *jsonEncoder) string(s string) *pathError {
	if !utf8.ValidString(s) {
		return refuse("string is not UTF-8 (encode bytes with hash.base64_encode)")
	}
	e.buf = append(e.buf, '"')
	start := 0
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			e.buf = append(e.buf, s[start:i]...)
			e.buf = appendEscape(e.buf, c)
			start = i + 1
		}
	}
	e.buf = append(append(e.buf, s[start:]...), '"')
	return nil
}

func appendEscape(buf []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(buf, '\\', c)
	case '\n':
		return append(buf, `\n`...)
	case '\r':
		return append(buf, `\r`...)
	case '\t':
		return append(buf, `\t`...)
	}
	const hex = "0123456789abcdef"
	return append(buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

func (e *jsonEncoder) table(t *glua.LTable) *pathError {
	if slices.Contains(e.within, t) {
		return refuse("table contains itself")
	}
	if len(e.within) == maxJSONDepth {
		return refuse("more than %d levels deep", maxJSONDepth)
	}
	e.within = append(e.within, t)
	err := e.items(t)
	e.within = e.within[:len(e.within)-1]
	return err
}

func (e *jsonEncoder) items(t *glua.LTable) *pathError {
	if n, isList := Shape(t); isList {
		return e.list(t, n)
	}
	return e.object(t)
}

func (e *jsonEncoder) list(t *glua.LTable, n int) *pathError {
	e.buf = append(e.buf, '[')
	for i := 1; i <= n; i++ {
		e.separate(i == 1)
		if err := e.encode(t.RawGetInt(i)); err != nil {
			return err.under("[" + strconv.Itoa(i) + "]")
		}
	}
	e.end(n == 0, ']')
	return nil
}

type jsonMember struct {
	name  string
	value glua.LValue
	key   glua.LValue
}

func (e *jsonEncoder) object(t *glua.LTable) *pathError {
	members, err := jsonMembers(t)
	if err != nil {
		return err
	}
	if e.sorted {
		sortMembers(members)
	}
	e.buf = append(e.buf, '{')
	for i, m := range members {
		e.separate(i == 0)
		if err := e.member(m); err != nil {
			return err.under(pathStep(m.key))
		}
	}
	e.end(len(members) == 0, '}')
	return nil
}

func (e *jsonEncoder) member(m jsonMember) *pathError {
	if err := e.string(m.name); err != nil {
		return err
	}
	e.buf = append(e.buf, ':')
	if e.indent > 0 {
		e.buf = append(e.buf, ' ')
	}
	return e.encode(m.value)
}

// jsonMembers lists what an object will hold, in the order of pairs.
func jsonMembers(t *glua.LTable) ([]jsonMember, *pathError) {
	if err := checkHoles(t); err != nil {
		return nil, err
	}
	var members []jsonMember
	var first glua.LValue = glua.LNil
	for key, value := t.Next(glua.LNil); key != glua.LNil; key, value = t.Next(key) {
		name, ok := jsonName(key)
		if !ok {
			return nil, refuse("key is a %s", key.Type())
		}
		if first == glua.LNil {
			first = key
		}
		// 1 and "1" would become the same name.
		if first.Type() != key.Type() {
			return nil, refuse("keys of different types: %s and %s", keyText(first), keyText(key))
		}
		members = append(members, jsonMember{name, value, key})
	}
	return members, nil
}

func sortMembers(members []jsonMember) { sort.Sort(membersByName(members)) }

// membersByName sorts by names. An instance of slices.SortFunc would add 20 KB
// to agents, which have sort.Sort already, for gopher-lua.
type membersByName []jsonMember

func (s membersByName) Len() int           { return len(s) }
func (s membersByName) Less(i, j int) bool { return s[i].name < s[j].name }
func (s membersByName) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }

// checkHoles refuses a table that was probably meant as a list: to send
// {1, nil, 3} as an object would be a surprise.
func checkHoles(t *glua.LTable) *pathError {
	if marked, list := IsList(t); (marked && !list) || t.RawGetInt(1) == glua.LNil {
		return nil
	}
	n := t.MaxN()
	for i := 1; i <= n; i++ {
		if t.RawGetInt(i) == glua.LNil {
			return refuse("list has a hole at %d (put null there, or mark the table with list or map)", i)
		}
	}
	return nil
}

func jsonName(key glua.LValue) (name string, ok bool) {
	switch key := key.(type) {
	case glua.LString:
		return string(key), true
	case glua.LNumber:
		return string(appendNumber(nil, float64(key))), true
	}
	return "", false
}

// separate goes before each item of a list or object.
func (e *jsonEncoder) separate(first bool) {
	if !first {
		e.buf = append(e.buf, ',')
	}
	e.newline(len(e.within))
}

func (e *jsonEncoder) end(empty bool, bracket byte) {
	if !empty {
		e.newline(len(e.within) - 1)
	}
	e.buf = append(e.buf, bracket)
}

func (e *jsonEncoder) newline(level int) {
	if e.indent == 0 {
		return
	}
	e.buf = append(e.buf, '\n')
	for range level * e.indent {
		e.buf = append(e.buf, ' ')
	}
}

// pathStep is how Lua would write the way from a table to what is at key.
func pathStep(key glua.LValue) string {
	if s, ok := key.(glua.LString); ok && isName(string(s)) {
		return "." + string(s)
	}
	return "[" + keyText(key) + "]"
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
