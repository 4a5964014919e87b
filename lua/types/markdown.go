package types

import (
	"fmt"
	"strings"
)

// Markdown renders files as the reference in doc/lua.md: a section of the
// second level for each file, and entries of the third level.
func Markdown(files []*File) string {
	var r renderer
	for _, f := range files {
		r.file(f)
	}
	return strings.TrimSpace(r.String()) + "\n"
}

type renderer struct {
	strings.Builder
	owners map[string]string // how the reader writes what the file's variables are
}

func (r *renderer) printf(format string, args ...any) { fmt.Fprintf(r, format, args...) }

// paragraph writes text and the empty line behind it, nothing for no text.
func (r *renderer) paragraph(text string) {
	if text != "" {
		r.printf("%s\n\n", text)
	}
}

func (r *renderer) file(f *File) {
	r.printf("## %s\n\n", f.Name)
	r.paragraph(f.Doc)
	r.owners = owners(f)
	for _, e := range f.Entries {
		switch {
		case e.Class != nil:
			r.class(f, e.Class)
		case e.Function != nil:
			r.function(e.Function)
		case e.Variable != nil:
			r.printf("### %s\n\n", e.Variable.Name)
			r.paragraph(e.Variable.Doc)
		case e.Alias != nil:
			r.printf("### type %s\n\n", e.Alias.Name)
			r.paragraph(e.Alias.Doc)
			r.paragraph("One of " + code(e.Alias.Type) + ".")
		}
	}
}

// owners maps the variables of a file's classes to what stands before the dot
// or colon in the reference: a module's name, or for a type its name in small
// letters, as one would call a variable.
func owners(f *File) map[string]string {
	names := map[string]string{}
	for _, e := range f.Entries {
		if e.Class == nil || e.Class.Variable == "" {
			continue
		}
		names[e.Class.Variable] = e.Class.Name
		if e.Class.Name != f.Name {
			names[e.Class.Variable] = strings.ToLower(e.Class.Name)
		}
	}
	return names
}

// class goes without a heading if it is the module itself.
func (r *renderer) class(f *File, c *Class) {
	if c.Name != f.Name {
		r.printf("### type %s\n\n", c.Name)
	}
	r.paragraph(c.Doc)
	for _, overload := range c.Overloads {
		r.printf("It can be called: %s.\n\n", code(overload))
	}
	if len(c.Operators) > 0 {
		r.printf("Operators: `%s`.\n\n", strings.Join(c.Operators, "`, `"))
	}
	if len(c.Fields) == 0 {
		return
	}
	r.printf("| field | type | |\n|---|---|---|\n")
	for _, field := range c.Fields {
		name := field.Name
		if field.Optional {
			name += "?"
		}
		r.printf("| %s | %s | %s |\n", code(name), cell(code(field.Type)), cell(field.Doc))
	}
	r.printf("\n")
}

func (r *renderer) function(f *Function) {
	r.printf("### %s\n\n", code(r.signature(f)))
	r.paragraph(f.Doc)
	for _, p := range f.Params {
		r.item("", code(p.Name), optional(p.Type, p.Optional), p.Doc)
	}
	for _, ret := range f.Returns {
		name := ""
		if ret.Name != "" {
			name = code(ret.Name)
		}
		r.item("returns ", name, code(ret.Type), ret.Doc)
	}
	if len(f.Params)+len(f.Returns) > 0 {
		r.printf("\n")
	}
}

// item writes "- returns `name` `type`: doc".
func (r *renderer) item(before, name, typ, doc string) {
	if name != "" {
		name += " "
	}
	r.printf("- %s%s%s", before, name, typ)
	if doc != "" {
		r.printf(": %s", doc)
	}
	r.printf("\n")
}

func optional(typ string, optional bool) string {
	if optional {
		return code(typ) + ", optional"
	}
	return code(typ)
}

// signature is how the function is called, optional arguments in brackets.
func (r *renderer) signature(f *Function) string {
	shown := *f
	if name, ok := r.owners[f.Owner]; ok {
		shown.Owner = name
	}
	var b strings.Builder
	closing := 0
	for i, p := range f.Params {
		if p.Optional {
			b.WriteString("[")
			closing++
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.Name)
	}
	return shown.FullName() + "(" + b.String() + strings.Repeat("]", closing) + ")"
}

func code(s string) string { return "`" + s + "`" }

// cell keeps a text from ending its cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
