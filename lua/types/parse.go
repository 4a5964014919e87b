package types

import (
	"fmt"
	"regexp"
	"strings"
)

// parser goes through a file line by line. A definition is a block of comment
// lines and the line of code that follows.
type parser struct {
	file *File
	line int

	doc      []string // plain lines of the block at hand
	tags     bool     // the block has had annotations, so that no text may follow
	class    *Class   // begun in this block
	variable *Variable
	function Function // params and returns of this block
}

// Parse reads a definition file of that name. It takes the part of LuaCATS
// that the files here use, and is strict: what it does not know is an error
// with its line.
func Parse(name, source string) (*File, error) {
	p := &parser{file: &File{Name: name}}
	for text := range strings.Lines(source) {
		p.line++
		if err := p.take(strings.TrimRight(text, "\n")); err != nil {
			return nil, fmt.Errorf("%s.lua:%d: %w", name, p.line, err)
		}
	}
	return p.file, nil
}

func (p *parser) take(text string) error {
	switch {
	case text == "":
		return p.endBlock()
	case strings.HasPrefix(text, "---@"):
		p.tags = true
		tag, rest, _ := strings.Cut(text[len("---@"):], " ")
		return p.annotation(tag, rest)
	case strings.HasPrefix(text, "---"):
		if p.tags {
			return fmt.Errorf("text behind annotations")
		}
		p.doc = append(p.doc, strings.TrimPrefix(text[3:], " "))
		return nil
	}
	return p.code(text)
}

// endBlock is a block that no code follows: a kind of table, or what is said
// of the file.
func (p *parser) endBlock() error {
	switch {
	case p.variable != nil || p.function.Params != nil || p.function.Returns != nil:
		return fmt.Errorf("annotations without code")
	case p.class == nil && !p.tags && p.doc != nil:
		if p.file.Doc != "" || len(p.file.Entries) > 0 {
			return fmt.Errorf("text without code")
		}
		p.file.Doc = p.text()
	}
	p.reset()
	return nil
}

func (p *parser) reset() {
	p.doc, p.tags, p.class, p.variable, p.function = nil, false, nil, nil, Function{}
}

func (p *parser) text() string { return strings.Join(p.doc, "\n") }

func (p *parser) annotation(tag, rest string) error {
	switch tag {
	case "meta":
		return nil
	case "class":
		p.class = &Class{Name: rest, Doc: p.text()}
		p.file.Entries = append(p.file.Entries, Entry{Class: p.class})
		return nil
	case "alias":
		name, typ, _ := strings.Cut(rest, " ")
		alias := &Alias{Name: name, Type: typ, Doc: p.text()}
		p.file.Entries = append(p.file.Entries, Entry{Alias: alias})
		return nil
	case "type":
		p.variable = &Variable{Type: rest, Doc: p.text()}
		return nil
	case "param":
		p.function.Params = append(p.function.Params, parseField(rest))
		return nil
	case "return":
		p.function.Returns = append(p.function.Returns, parseReturn(rest))
		return nil
	}
	return p.classAnnotation(tag, rest)
}

func (p *parser) classAnnotation(tag, rest string) error {
	if p.class == nil {
		return fmt.Errorf("@%s without @class", tag)
	}
	switch tag {
	case "field":
		p.class.Fields = append(p.class.Fields, parseField(rest))
	case "operator":
		p.class.Operators = append(p.class.Operators, rest)
	case "overload":
		p.class.Overloads = append(p.class.Overloads, rest)
	default:
		return fmt.Errorf("unknown annotation @%s", tag)
	}
	return nil
}

// parseField reads "name type description"; a question mark behind the name
// makes it optional.
func parseField(s string) Field {
	name, rest, _ := strings.Cut(s, " ")
	name, optional := strings.CutSuffix(name, "?")
	typ, doc := cutType(rest)
	return Field{Name: name, Type: typ, Doc: doc, Optional: optional}
}

// parseReturn reads "type name description".
func parseReturn(s string) Return {
	typ, rest := cutType(s)
	name, doc, _ := strings.Cut(rest, " ")
	return Return{Type: typ, Name: name, Doc: doc}
}

// cutType cuts s behind the type it begins with: at the first space which is
// neither within brackets nor before what a function returns.
func cutType(s string) (typ, rest string) {
	depth := 0
	for i, c := range s {
		switch c {
		case '(', '<', '{', '[':
			depth++
		case ')', '>', '}', ']':
			depth--
		case ' ':
			if depth == 0 && !strings.HasSuffix(s[:i], ":") && !strings.HasSuffix(s[:i], ",") {
				return s[:i], s[i+1:]
			}
		}
	}
	return s, ""
}

var (
	functionLine = regexp.MustCompile(`^function (?:(\w+)([.:]))?(\w+)\(([^)]*)\) end$`)
	variableLine = regexp.MustCompile(`^(?:local )?(\w+) = (?:\{\}|nil)$`)
)

func (p *parser) code(text string) error {
	defer p.reset()
	if strings.HasPrefix(text, "return ") {
		return nil
	}
	if m := functionLine.FindStringSubmatch(text); m != nil {
		return p.addFunction(m[1], m[2] == ":", m[3], m[4])
	}
	m := variableLine.FindStringSubmatch(text)
	switch {
	case m == nil:
		return fmt.Errorf("code that is no definition: %q", text)
	case p.class != nil:
		p.class.Variable = m[1]
	case p.variable != nil:
		p.variable.Name = m[1]
		p.file.Entries = append(p.file.Entries, Entry{Variable: p.variable})
	default:
		return fmt.Errorf("%s has neither @class nor @type", m[1])
	}
	return nil
}

func (p *parser) addFunction(owner string, method bool, name, args string) error {
	f := p.function
	f.Owner, f.Method, f.Name, f.Doc = owner, method, name, p.text()
	if args != "" {
		f.Args = strings.Split(args, ", ")
	}
	for i, param := range f.Params {
		if i >= len(f.Args) || f.Args[i] != param.Name {
			return fmt.Errorf("%s: @param %s is not argument %d of (%s)", f.FullName(), param.Name, i+1, args)
		}
	}
	if len(f.Params) != len(f.Args) {
		return fmt.Errorf("%s: no @param for %s", f.FullName(), f.Args[len(f.Params)])
	}
	p.file.Entries = append(p.file.Entries, Entry{Function: &f})
	return nil
}
