package luagw

import (
	"errors"
	"fmt"
	"strings"
)

// specScanner reads a spec from its front. Its errors do not name the key:
// the parser knows it.
type specScanner struct {
	rest string // what is not read yet
}

// skip takes text off the front, if it is there.
func (sc *specScanner) skip(text string) bool {
	rest, ok := strings.CutPrefix(sc.rest, text)
	sc.rest = rest
	return ok
}

// atEnd reports whether a value ends here: at one of stops, at // or at the
// end. Of three slashes the last two separate, so that dir=/srv///id=a is what
// it looks like; a key never begins with a slash.
func (sc *specScanner) atEnd(stops string) bool {
	if sc.rest == "" || strings.IndexByte(stops, sc.rest[0]) >= 0 {
		return true
	}
	return strings.HasPrefix(sc.rest, "//") && !strings.HasPrefix(sc.rest, "///")
}

func (sc *specScanner) next() byte {
	c := sc.rest[0]
	sc.rest = sc.rest[1:]
	return c
}

// until returns what stands before the end, as it is.
func (sc *specScanner) until(stops string) string {
	all := sc.rest
	for !sc.atEnd(stops) {
		sc.next()
	}
	return all[:len(all)-len(sc.rest)]
}

// value returns what stands before the end, without its quotes and escapes.
// Stops do not count between brackets.
func (sc *specScanner) value(stops string) (string, error) {
	if strings.HasPrefix(sc.rest, `"`) || strings.HasPrefix(sc.rest, `'`) {
		return sc.quoted(stops)
	}
	var b strings.Builder
	within := stops
	for !sc.atEnd(within) {
		if sc.skip(`\/`) {
			b.WriteByte('/')
			continue
		}
		if sc.skip(`\\`) {
			b.WriteByte('\\')
			continue
		}
		c := sc.next()
		if isControl(c) {
			return "", fmt.Errorf("control character %q outside quotes", c)
		}
		switch c {
		case '[':
			within = ""
		case ']':
			within = stops
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// quoted is value for what begins with a quote.
func (sc *specScanner) quoted(stops string) (string, error) {
	var b strings.Builder
	quote := sc.next()
	for sc.rest != "" {
		c := sc.next()
		if c == quote {
			return b.String(), sc.wantEnd(stops)
		}
		if c == '\\' && quote == '"' && sc.rest != "" && strings.IndexByte(`"\/`, sc.rest[0]) >= 0 {
			c = sc.next()
		}
		b.WriteByte(c)
	}
	return "", fmt.Errorf("no closing %c", quote)
}

func (sc *specScanner) wantEnd(stops string) error {
	if sc.atEnd(stops) {
		return nil
	}
	return fmt.Errorf("%q behind the closing quote", sc.until(stops))
}

// command returns the command line before the end, with its quotes and
// escapes, but \/ outside quotes as a slash: a shell makes the same of it.
func (sc *specScanner) command(stops string) (string, error) {
	var b strings.Builder
	for !sc.atEnd(stops) {
		unit, err := shellUnit(sc.rest)
		if err != nil {
			return "", err
		}
		sc.rest = sc.rest[len(unit):]
		if unit == `\/` {
			unit = "/"
		}
		b.WriteString(unit)
	}
	return b.String(), nil
}

// quoteSpecValue writes a value so that specScanner.value reads it.
func quoteSpecValue(value string) string {
	value = strings.ReplaceAll(value, `\`, `\\`)
	if hasControl(value) || strings.HasPrefix(value, `"`) || strings.HasPrefix(value, `'`) {
		return `"` + strings.ReplaceAll(value, `"`, `\"`) + `"`
	}
	return strings.ReplaceAll(value, "//", `/\/`)
}

// escapeCommand writes a command line so that specScanner.command reads it.
func escapeCommand(line string) string {
	var b strings.Builder
	last := ""
	for line != "" {
		unit, err := shellUnit(line)
		if err != nil { // not valid; show it as it is
			unit = line
		}
		line = line[len(unit):]
		if unit == "/" && last == "/" {
			unit = `\/`
		}
		b.WriteString(unit)
		last = unit
	}
	return b.String()
}

// shellUnit returns the first unit of a command line, which is not empty: a
// quoted run with its quotes, a backslash with what it escapes, or one byte.
func shellUnit(line string) (string, error) {
	switch line[0] {
	case '\\':
		if len(line) == 1 {
			return "", errors.New("backslash at the end")
		}
		return line[:2], nil
	case '\'':
		if end := strings.IndexByte(line[1:], '\''); end >= 0 {
			return line[:end+2], nil
		}
		return "", errors.New("no closing '")
	case '"':
		return doubleQuoted(line)
	}
	return line[:1], nil
}

func doubleQuoted(line string) (string, error) {
	for i := 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return line[:i+1], nil
		}
	}
	return "", errors.New(`no closing "`)
}

// splitCommand splits a command line into words as a POSIX shell does.
func splitCommand(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false // a quoted empty word has no bytes
	for line != "" {
		unit, err := shellUnit(line)
		if err != nil {
			return nil, err
		}
		if err := refuseOperator(line, unit); err != nil {
			return nil, err
		}
		line = line[len(unit):]
		if unit != " " {
			inWord = true
			word.WriteString(unquoteUnit(unit))
		}
		if inWord && (unit == " " || line == "") {
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	return words, nil
}

// commandWords is splitCommand for a line that must name a program.
func commandWords(line string) ([]string, error) {
	words, err := splitCommand(line)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 || words[0] == "" {
		return nil, errors.New("empty command")
	}
	return words, nil
}

// refuseOperator refuses what a shell would act upon and luagw would hand to
// the program in silence.
func refuseOperator(line, unit string) error {
	c := unit[0]
	switch {
	case strings.Contains(unit, "\x00"):
		return errors.New("it contains a NUL byte")
	case isControl(unit[len(unit)-1]): // plain or escaped: a quoted run ends in its quote
		return fmt.Errorf("control character %q outside quotes", unit[len(unit)-1])
	case strings.HasPrefix(line, "$("):
		unit = "$("
	case strings.IndexByte("|;&<>()`", c) < 0:
		return nil
	}
	return fmt.Errorf("unquoted %q: no shell is involved; quote it, or use sh -c '...'", unit)
}

// unquoteUnit returns what a shell makes of a unit.
func unquoteUnit(unit string) string {
	switch unit[0] {
	case '\\':
		return unit[1:]
	case '\'':
		return unit[1 : len(unit)-1]
	case '"':
		return doubleQuotes.Replace(unit[1 : len(unit)-1])
	}
	return unit
}

// doubleQuotes knows the only escapes that POSIX has between double quotes.
var doubleQuotes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`, "\\`", "`", "\\\n", "")

func isControl(c byte) bool { return c < 0x20 || c == 0x7f }

func hasControl(s string) bool {
	for i := range len(s) {
		if isControl(s[i]) {
			return true
		}
	}
	return false
}
