package std

import (
	"fmt"
	"strings"
	"unicode/utf8"

	glua "github.com/yuin/gopher-lua"
)

func textLibrary() Library {
	return Library{
		Name: "text",
		Funcs: map[string]glua.LGFunction{
			"contains":    textTest(strings.Contains),
			"dedent":      textFunction(dedent),
			"ends_with":   textTest(strings.HasSuffix),
			"indent":      textIndent,
			"join":        textJoin,
			"lines":       textLines,
			"ltrim":       textTrim(strings.TrimLeft),
			"pad":         textPad,
			"replace":     textReplace,
			"rtrim":       textTrim(strings.TrimRight),
			"shell_quote": textShellQuote,
			"split":       textSplit,
			"starts_with": textTest(strings.HasPrefix),
			"template":    textTemplate,
			"trim":        textTrim(strings.Trim),
			"wrap":        textWrap,
		},
	}
}

// maxMade bounds the text that a call can make out of little.
const maxMade = 1 << 30

// asciiSpace is what trim takes away: bytes need not be UTF-8, so no other
// spaces are looked for.
const asciiSpace = " \t\r\n\v\f"

func textFunction(fn func(string) string) glua.LGFunction {
	return func(L *glua.LState) int {
		L.Push(glua.LString(fn(L.CheckString(1))))
		return 1
	}
}

func textTest(fn func(s, part string) bool) glua.LGFunction {
	return func(L *glua.LState) int {
		L.Push(glua.LBool(fn(L.CheckString(1), L.CheckString(2))))
		return 1
	}
}

func textTrim(fn func(s, cutset string) string) glua.LGFunction {
	return func(L *glua.LState) int {
		L.Push(glua.LString(fn(L.CheckString(1), L.OptString(2, asciiSpace))))
		return 1
	}
}

func textSplit(L *glua.LState) int {
	s := L.CheckString(1)
	sep, bySpace := "", L.Get(2) == glua.LNil
	if !bySpace {
		sep = L.CheckString(2)
	}
	if !bySpace && sep == "" {
		L.ArgError(2, "separator is empty")
	}
	o := checkOptions(L, 3, "max", "trim")
	limit, trim := o.int("max", -1, 1), o.bool("trim", false)
	var parts []string
	if bySpace {
		parts = fields(s, limit)
	} else {
		parts = strings.SplitN(s, sep, limit)
	}
	for i := range parts {
		if trim {
			parts[i] = strings.Trim(parts[i], asciiSpace)
		}
	}
	L.Push(listOfStrings(L, parts))
	return 1
}

// fields splits at runs of white space into at most limit parts, the last of
// which is all the rest; into all there are if limit is negative.
func fields(s string, limit int) []string {
	var parts []string
	for s = strings.Trim(s, asciiSpace); s != ""; s = strings.TrimLeft(s, asciiSpace) {
		end := strings.IndexAny(s, asciiSpace)
		if end < 0 || len(parts)+1 == limit {
			return append(parts, s)
		}
		parts = append(parts, s[:end])
		s = s[end:]
	}
	return parts
}

func textLines(L *glua.LState) int {
	L.Push(listOfStrings(L, splitLines(L.CheckString(1))))
	return 1
}

// splitLines splits at line ends, which are not part of the lines.
func splitLines(s string) []string {
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
	}
	return lines
}

func textJoin(L *glua.LState) int {
	list, sep := L.CheckTable(1), L.OptString(2, "")
	var b strings.Builder
	for i := 1; i <= list.Len(); i++ {
		if i > 1 {
			b.WriteString(sep)
		}
		b.WriteString(L.ToStringMeta(list.RawGetInt(i)).String())
	}
	L.Push(glua.LString(b.String()))
	return 1
}

func textReplace(L *glua.LState) int {
	s, old, with := L.CheckString(1), L.CheckString(2), L.CheckString(3)
	if old == "" {
		L.ArgError(2, "nothing to replace")
	}
	limit := checkOptions(L, 4, "max").int("max", -1, 0)
	count := strings.Count(s, old)
	if limit >= 0 {
		count = min(count, limit)
	}
	checkMade(L, 3, len(s), count, len(with))
	L.Push(glua.LString(strings.Replace(s, old, with, count)))
	L.Push(glua.LNumber(count))
	return 2
}

// checkMade raises if count pieces added to what there is would be too much.
func checkMade(L *glua.LState, arg, there, count, piece int) {
	if piece > 0 && count > (maxMade-there)/piece {
		L.ArgError(arg, fmt.Sprintf("the result would exceed %d bytes", maxMade))
	}
}

func textIndent(L *glua.LState) int {
	s, prefix := L.CheckString(1), "    "
	if n, ok := L.Get(2).(glua.LNumber); ok {
		checkWidth(L, 2, int(n))
		prefix = strings.Repeat(" ", int(n))
	} else {
		prefix = L.OptString(2, prefix)
	}
	checkMade(L, 2, len(s), strings.Count(s, "\n")+1, len(prefix))
	var b strings.Builder
	for line := range strings.Lines(s) {
		if strings.Trim(line, asciiSpace) != "" {
			b.WriteString(prefix)
		}
		b.WriteString(line)
	}
	L.Push(glua.LString(b.String()))
	return 1
}

func checkWidth(L *glua.LState, arg, width int) {
	if width < 0 || width > 1<<20 {
		L.ArgError(arg, fmt.Sprintf("width %d is out of range (0 to %d)", width, 1<<20))
	}
}

// dedent takes away the white space that all lines but the empty ones begin with.
func dedent(s string) string {
	margin, first := "", true
	for line := range strings.Lines(s) {
		text := strings.TrimLeft(line, " \t")
		if strings.Trim(text, asciiSpace) == "" {
			continue
		}
		space := line[:len(line)-len(text)]
		if first {
			margin, first = space, false
		}
		margin = commonPrefix(margin, space)
	}
	var b strings.Builder
	for line := range strings.Lines(s) {
		if strings.Trim(line, asciiSpace) == "" {
			line = strings.TrimLeft(line, " \t")
		}
		b.WriteString(strings.TrimPrefix(line, margin))
	}
	return b.String()
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

func textPad(L *glua.LState) int {
	s, width := L.CheckString(1), L.CheckInt(2)
	checkWidth(L, 2, width)
	o := checkOptions(L, 3, "align", "fill")
	fill := o.string("fill", " ")
	if utf8.RuneCountInString(fill) != 1 {
		L.ArgError(3, fmt.Sprintf("option \"fill\": one character expected, got %q", fill))
	}
	missing := max(0, width-utf8.RuneCountInString(s))
	before := 0
	switch align := o.string("align", "left"); align {
	case "left":
	case "right":
		before = missing
	case "center":
		before = missing / 2
	default:
		L.ArgError(3, unknownName("value of option \"align\":", align, []string{"left", "right", "center"}))
	}
	L.Push(glua.LString(strings.Repeat(fill, before) + s + strings.Repeat(fill, missing-before)))
	return 1
}

func textWrap(L *glua.LState) int {
	s, width := L.CheckString(1), L.OptInt(2, 80)
	checkWidth(L, 2, width)
	var b strings.Builder
	for line := range strings.Lines(s) {
		wrapLine(&b, line, width)
	}
	L.Push(glua.LString(b.String()))
	return 1
}

// wrapLine breaks a line between words. A word longer than width stays whole.
func wrapLine(b *strings.Builder, line string, width int) {
	used := 0
	for _, word := range strings.Fields(line) {
		n := utf8.RuneCountInString(word)
		switch {
		case used == 0:
		case used+1+n > width:
			b.WriteByte('\n')
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	if strings.HasSuffix(line, "\n") {
		b.WriteByte('\n')
	}
}

func textShellQuote(L *glua.LState) int {
	list, ok := L.Get(1).(*glua.LTable)
	if !ok {
		L.Push(glua.LString(checkQuote(L, L.Get(1))))
		return 1
	}
	words := make([]string, list.Len())
	for i := range words {
		words[i] = checkQuote(L, list.RawGetInt(i+1))
	}
	L.Push(glua.LString(strings.Join(words, " ")))
	return 1
}

func checkQuote(L *glua.LState, v glua.LValue) string {
	if !glua.LVCanConvToString(v) {
		L.ArgError(1, fmt.Sprintf("string or list of strings expected, got %s", v.Type()))
	}
	if strings.ContainsRune(v.String(), 0) {
		L.ArgError(1, "no word of a shell can contain a zero byte")
	}
	return shellQuote(v.String())
}

// shellSafe are the characters that mean nothing to any shell. "=" is not
// among them: a command's first word with one would be an assignment.
const shellSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+:,./@%"

// shellQuote writes s so that a POSIX shell reads it as one word.
func shellQuote(s string) string {
	if s != "" && strings.Trim(s, shellSafe) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
