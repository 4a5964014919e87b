package types

// File is what one definition file defines, in its order.
type File struct {
	Name    string // as in json, from json.lua
	Doc     string // what is said before the first definition
	Entries []Entry
}

// Entry is one definition. Exactly one of the fields is set.
type Entry struct {
	Class    *Class
	Function *Function
	Variable *Variable
	Alias    *Alias
}

// Class is a module, a type with methods, or a kind of table.
type Class struct {
	Name      string // as in json or json.EncodeOptions
	Variable  string // what it is in the file, as in json or Hasher; empty if only a type
	Doc       string
	Fields    []Field
	Operators []string // as in "add(int64|number): int64"
	Overloads []string // how it can be called, as in "fun(): any"
}

// Field is a member of a class that is no function.
type Field struct {
	Name     string
	Type     string
	Doc      string
	Optional bool
}

// Function is a function or a method.
type Function struct {
	Owner   string // the variable it is in, as in json or Hasher; empty for a global
	Name    string
	Method  bool // called with a colon
	Doc     string
	Args    []string // in the order of the definition; "..." among them
	Params  []Field  // what is said of them
	Returns []Return
}

// Return is a value that a function returns.
type Return struct {
	Type string
	Name string // may be empty
	Doc  string
}

// Variable is a global that is no module.
type Variable struct {
	Name string
	Type string
	Doc  string
}

// Alias is a name for a type.
type Alias struct {
	Name string
	Type string
	Doc  string
}

// FullName is how the function is written where it is defined.
func (f *Function) FullName() string {
	switch {
	case f.Owner == "":
		return f.Name
	case f.Method:
		return f.Owner + ":" + f.Name
	}
	return f.Owner + "." + f.Name
}

// Functions returns all functions of the file.
func (f *File) Functions() []*Function {
	var all []*Function
	for _, e := range f.Entries {
		if e.Function != nil {
			all = append(all, e.Function)
		}
	}
	return all
}

// Class returns the class of that name, nil if there is none.
func (f *File) Class(name string) *Class {
	for _, e := range f.Entries {
		if e.Class != nil && e.Class.Name == name {
			return e.Class
		}
	}
	return nil
}
