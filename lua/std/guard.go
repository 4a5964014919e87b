package std

import (
	"os"
	"path/filepath"

	"github.com/luagw/luagw/internal/allow"
	glua "github.com/yuin/gopher-lua"
)

// guard is a path among a function's arguments, and what the function does
// there.
type guard struct {
	arg  int
	what allow.Action
	link bool // to the link itself, where the path is one
}

// fsGuards are those of the module fs. What is not here looks after itself, or
// touches no file.
var fsGuards = map[string][]guard{
	"append":   {{arg: 1, what: allow.Write}},
	"chmod":    {{arg: 1, what: allow.Write}},
	"chown":    {{arg: 1, what: allow.Write}, {arg: 1, what: allow.Write, link: true}},
	"copy":     {{arg: 1, what: allow.Read}, {arg: 2, what: allow.Write}},
	"exists":   {{arg: 1, what: allow.Read}},
	"lines":    {{arg: 1, what: allow.Read}},
	"list":     {{arg: 1, what: allow.Read}},
	"lstat":    {{arg: 1, what: allow.Read, link: true}},
	"mkdir":    {{arg: 1, what: allow.Write}},
	"read":     {{arg: 1, what: allow.Read}},
	"readlink": {{arg: 1, what: allow.Read, link: true}},
	"remove":   {{arg: 1, what: allow.Write, link: true}},
	"rename":   renameGuards,
	"stat":     {{arg: 1, what: allow.Read}},
	"symlink":  {{arg: 2, what: allow.Write, link: true}},
	"touch":    {{arg: 1, what: allow.Write}},
	"walk":     {{arg: 1, what: allow.Read}},
	"write":    {{arg: 1, what: allow.Write}},
}

// renameGuards keep a file that may be moved but not read from being moved to
// where it may be.
var renameGuards = []guard{
	{arg: 1, what: allow.Read, link: true}, {arg: 1, what: allow.Write, link: true}, {arg: 2, what: allow.Write, link: true},
}

// guarded returns functions that do nothing where they are not allowed to, but
// return nil and a message.
func guarded(funcs map[string]glua.LGFunction, guards map[string][]guard) map[string]glua.LGFunction {
	for name, list := range guards {
		fn := funcs[name]
		funcs[name] = func(L *glua.LState) int {
			if policy := allow.Here(); !policy.All() {
				if err := checkGuards(L, policy, list); err != nil {
					return fail(L, err)
				}
			}
			return fn(L)
		}
	}
	return funcs
}

func checkGuards(L *glua.LState, policy allow.Policy, list []guard) error {
	for _, g := range list {
		value := L.Get(g.arg)
		if !glua.LVCanConvToString(value) {
			continue // the function refuses it
		}
		path := glua.LVAsString(value)
		if err := policy.CheckPath(g.what, path, g.link); err != nil {
			return notAllowed(path, err)
		}
	}
	return nil
}

func notAllowed(path string, err error) error { return &guardError{path, err} }

// guardError says which path it was, as the errors of files do.
type guardError struct {
	path string
	err  error
}

func (e *guardError) Error() string { return e.path + ": " + e.err.Error() }
func (e *guardError) Unwrap() error { return e.err }

// permitted checks a path that a function comes to by itself.
func permitted(what allow.Action, path string) error {
	if err := allow.Here().CheckPath(what, path, false); err != nil {
		return notAllowed(path, err)
	}
	return nil
}

// permittedOpen checks the opening of a file with the flags of os.OpenFile.
func permittedOpen(path string, flag int) error {
	if flag&os.O_WRONLY == 0 {
		if err := permitted(allow.Read, path); err != nil {
			return err
		}
	}
	if flag&(os.O_WRONLY|os.O_RDWR) != 0 {
		return permitted(allow.Write, path)
	}
	return nil
}

// permittedLink checks what a new link leads to. Were links allowed to lead
// anywhere, a fragment could put one in the place of a folder between the check
// of a path and its use.
func permittedLink(target, link string) error {
	if !filepath.IsAbs(target) {
		target = filepath.Dir(link) + string(filepath.Separator) + target
	}
	if err := permitted(allow.Read, target); err != nil {
		return err
	}
	return permitted(allow.Write, target)
}

// PermitRead says whether a fragment may read a file; nil if it may.
func PermitRead(path string) error { return permitted(allow.Read, path) }
