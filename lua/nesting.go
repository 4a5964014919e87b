package lua

import (
	"fmt"
	"strings"
)

const (
	// maxNesting is how deep brackets and blocks of a source may be nested.
	// Lua's own limit is 200 (LUAI_MAXCCALLS). The compiler recurses, and a
	// Go stack that overflows ends the process.
	maxNesting = 200

	// maxChain is how many operators and calls one expression may have, for
	// those nest too without any brackets.
	maxChain = 20_000
)

// checkNesting refuses sources that are nested too deep. It counts brackets
// and the words that open blocks, past strings and comments, and the tokens
// between two statements; what is no Lua is left to the parser.
func checkNesting(name, source string) error {
	n := nesting{source: source, line: 1}
	for n.pos < len(source) {
		n.step()
		if n.depth > maxNesting || n.chain > maxChain {
			return fmt.Errorf("%s:%d: chunk has too many syntax levels", name, n.line)
		}
	}
	return nil
}

type nesting struct {
	source string
	pos    int
	line   int
	depth  int // of brackets and blocks
	chain  int // operators since the last word or comma that ends an expression

	operand bool // the last token ended an operand: a word after it begins a statement
}

func (n *nesting) step() {
	c := n.source[n.pos]
	switch {
	case c == '\n':
		n.line++
	case c == '"' || c == '\'':
		n.quoted(c)
		n.operand = true
		return
	case strings.HasPrefix(n.source[n.pos:], "--"):
		n.comment()
		return
	case c == '[' && n.long() > 0:
		n.skipLong()
		return
	case isNameByte(c):
		n.word()
		return
	case c == '(' || c == '{' || c == '[':
		n.depth++
		n.chain++
		n.operand = false
	case c == ')' || c == '}' || c == ']':
		n.depth = max(0, n.depth-1)
		n.operand = true
	case c == ',' || c == ';':
		n.chain = 0
		n.operand = false
	case c > ' ':
		n.chain++
		n.operand = false
	}
	n.pos++
}

// word looks at a name, keyword or number.
func (n *nesting) word() {
	start := n.pos
	for n.pos < len(n.source) && isNameByte(n.source[n.pos]) {
		n.pos++
	}
	after := n.operand
	n.operand = false
	switch n.source[start:n.pos] {
	case "function", "if", "do", "repeat":
		n.depth++
		n.chain = 0
	case "end", "until":
		n.depth = max(0, n.depth-1)
		n.chain = 0
	case "not", "elseif", "and", "or":
		n.chain++
	case "local", "return", "break", "then", "else", "for", "while":
		n.chain = 0
	default:
		if after {
			n.chain = 0
		}
		n.operand = true
	}
}

func (n *nesting) quoted(quote byte) {
	for n.pos++; n.pos < len(n.source); n.pos++ {
		switch n.source[n.pos] {
		case '\\':
			n.pos++
		case '\n':
			return
		case quote:
			n.pos++
			return
		}
	}
}

func (n *nesting) comment() {
	n.pos += 2
	if n.pos < len(n.source) && n.source[n.pos] == '[' && n.long() > 0 {
		n.skipLong()
		return
	}
	end := strings.IndexByte(n.source[n.pos:], '\n')
	if end < 0 {
		end = len(n.source) - n.pos
	}
	n.pos += end
}

// long is the length of the long bracket that opens here; 0 if none does.
func (n *nesting) long() int {
	i := n.pos + 1
	for i < len(n.source) && n.source[i] == '=' {
		i++
	}
	if i < len(n.source) && n.source[i] == '[' {
		return i - n.pos + 1
	}
	return 0
}

func (n *nesting) skipLong() {
	level := n.long()
	closing := "]" + strings.Repeat("=", level-2) + "]"
	body := n.source[n.pos+level:]
	end := strings.Index(body, closing)
	if end < 0 {
		end = len(body) - len(closing)
	}
	end = min(max(end, 0)+len(closing), len(body))
	n.line += strings.Count(body[:end], "\n")
	n.pos += level + end
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
