package std

import (
	"errors"
	"fmt"
	"strings"

	glua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"

	"github.com/luagw/luagw/internal/nearest"
)

// A template is made into a chunk of Lua in which each piece stands on the
// line that it has in the template, so that what Lua says about a line is true
// of the template:
//
//	Hello {{ name }}!         _write("Hello ") _value(name) _write("!\n")
//	{% for _, x in l do %}    for _, x in l do
//
// The two functions are upvalues of the code, out of reach of its environment.
const templatePrologue = "local _write, _value = ... "

func textTemplate(L *glua.LState) int {
	source, vars := L.CheckString(1), L.OptTable(2, L.NewTable())
	o := checkOptions(L, 3, "missing", "name")
	missing, name := o.string("missing", "error"), o.string("name", "template")
	if missing != "error" && missing != "empty" {
		L.ArgError(3, unknownName("value of option \"missing\":", missing, []string{"error", "empty"}))
	}
	code, err := templateCode(source)
	if err != nil {
		L.RaiseError("%s:%v", name, err)
	}
	fn, err := L.Load(strings.NewReader(code), name)
	if err != nil {
		L.RaiseError("%s", templateSyntaxError(name, err))
	}
	r := &rendering{strict: missing == "error"}
	fn.Env = templateEnv(L, vars, r.strict)
	L.Push(fn)
	L.Push(L.NewFunction(r.write))
	L.Push(L.NewFunction(r.value))
	L.Call(2, 0)
	L.Push(glua.LString(r.text.String()))
	return 1
}

// rendering is the text that a template makes.
type rendering struct {
	text   strings.Builder
	strict bool // nil has no place in a text
}

func (r *rendering) write(L *glua.LState) int {
	r.add(L, L.CheckString(1))
	return 0
}

// value writes a value as tostring does.
func (r *rendering) value(L *glua.LState) int {
	v := L.Get(1)
	switch {
	case !IsNull(v):
		r.add(L, L.ToStringMeta(v).String())
	case r.strict:
		L.RaiseError("the value of {{ %s }} is nil", L.CheckString(2))
	}
	return 0
}

func (r *rendering) add(L *glua.LState, s string) {
	if r.text.Len()+len(s) > maxMade {
		L.RaiseError("the text exceeds %d bytes", maxMade)
	}
	r.text.WriteString(s)
}

// templateGlobals are what a template's code may use besides its variables:
// nothing that touches the world.
var templateGlobals = []string{
	"ipairs", "math", "next", "pairs", "select", "string", "table", "tonumber", "tostring", "type",
}

// templateEnv is a template's environment: its variables, then a few globals.
// What it assigns stays in it.
func templateEnv(L *glua.LState, vars *glua.LTable, strict bool) *glua.LTable {
	globals := L.NewTable()
	for _, name := range templateGlobals {
		globals.RawSetString(name, L.GetGlobal(name))
	}
	globals.RawSetString("vars", vars)
	mt := L.NewTable()
	mt.RawSetString("__index", L.NewFunction(func(L *glua.LState) int {
		key := L.Get(2)
		v := L.GetTable(vars, key)
		if v == glua.LNil {
			v = globals.RawGet(key)
		}
		if v == glua.LNil && strict {
			L.RaiseError("%s", unknownVariable(key.String(), vars))
		}
		L.Push(v)
		return 1
	}))
	env := L.NewTable()
	env.Metatable = mt
	return env
}

func unknownVariable(name string, vars *glua.LTable) string {
	var names []string
	vars.ForEach(func(key, _ glua.LValue) {
		if known, ok := key.(glua.LString); ok {
			names = append(names, string(known))
		}
	})
	if near := nearest.Word(name, names); near != "" {
		return fmt.Sprintf("no variable %q (did you mean %q?)", name, near)
	}
	return fmt.Sprintf("no variable %q", name)
}

// templateSyntaxError words what the compiler says of the template's code as
// an error at run time is worded.
func templateSyntaxError(name string, err error) string {
	var syntax *parse.Error
	if apiErr, ok := errors.AsType[*glua.ApiError](err); !ok || !errors.As(apiErr.Cause, &syntax) {
		return err.Error()
	}
	if syntax.Pos.Line == parse.EOF {
		return fmt.Sprintf("%s: an \"end\" is missing, or a bracket", name)
	}
	return fmt.Sprintf("%s:%d: %s near %q", name, syntax.Pos.Line, syntax.Message, syntax.Token)
}

// templateCode makes Lua of a template. The error begins with a line number.
func templateCode(source string) (string, error) {
	c := &templateCompiler{line: 1, codeLine: 1}
	c.code.WriteString(templatePrologue)
	for lineStart := true; source != ""; {
		text, tag, rest := cutTag(source)
		if tag == "" {
			c.text(text)
			break
		}
		end, _ := tagEnds.get(tag)
		content, after, ok := strings.Cut(rest, end)
		if !ok {
			return "", fmt.Errorf("%d: %s without %s", c.line+strings.Count(text, "\n"), tag, end)
		}
		ownLine := false
		if tag == "{%" {
			text, after, ownLine = trimOwnLine(text, after, lineStart)
		}
		c.text(text)
		c.tag(tag, content)
		if ownLine {
			c.line++
		}
		source, lineStart = after, ownLine
	}
	return c.code.String(), nil
}

var tagEnds = entries[string, string]{{"{{", "}}"}, {"{%", "%}"}}

// cutTag splits source at the first tag; tag is empty if there is none.
func cutTag(source string) (text, tag, rest string) {
	for i := 0; i+1 < len(source); i++ {
		tag := source[i : i+2]
		if _, ok := tagEnds.get(tag); ok {
			return source[:i], tag, source[i+2:]
		}
	}
	return source, "", ""
}

// trimOwnLine takes away what stands around code that has a line for itself:
// the space before it, and the rest of the line after it.
func trimOwnLine(text, after string, lineStart bool) (string, string, bool) {
	start := strings.LastIndexByte(text, '\n') + 1
	if start == 0 && !lineStart || strings.Trim(text[start:], " \t") != "" {
		return text, after, false
	}
	blank, rest, found := strings.Cut(after, "\n")
	if !found || strings.Trim(blank, " \t\r") != "" {
		return text, after, false
	}
	return text[:start], rest, true
}

// templateCompiler writes the code of a template.
type templateCompiler struct {
	code     strings.Builder
	line     int // of the template
	codeLine int // of the code, which may lag behind until align
}

// align brings the code to the line of the template.
func (c *templateCompiler) align() {
	for ; c.codeLine < c.line; c.codeLine++ {
		c.code.WriteByte('\n')
	}
}

func (c *templateCompiler) text(s string) {
	if s == "" {
		return
	}
	c.align()
	fmt.Fprintf(&c.code, "_write(%s);", quoteLua(s))
	c.line += strings.Count(s, "\n")
}

func (c *templateCompiler) tag(tag, content string) {
	c.align()
	lines := strings.Count(content, "\n")
	c.line += lines
	c.codeLine += lines
	if tag == "{{" {
		fmt.Fprintf(&c.code, "_value((%s), %s);", content, quoteLua(strings.TrimSpace(content)))
		return
	}
	c.code.WriteString(" " + content + " ")
	if strings.Contains(content[strings.LastIndexByte(content, '\n')+1:], "--") {
		c.code.WriteByte('\n') // a comment must not swallow what follows
		c.codeLine++
	}
}

// quoteLua writes s as a Lua string on one line.
func quoteLua(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			fmt.Fprintf(&b, "\\%03d", c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
