package std

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	glua "github.com/yuin/gopher-lua"
)

func pathLibrary() Library {
	return Library{
		Name: "path",
		Funcs: map[string]glua.LGFunction{
			"abs":    pathAbs,
			"base":   pathFunction(filepath.Base),
			"clean":  pathFunction(filepath.Clean),
			"dir":    pathFunction(filepath.Dir),
			"expand": pathExpand,
			"ext":    pathFunction(extension),
			"is_abs": pathIsAbs,
			"join":   pathJoin,
			"match":  pathMatch,
			"rel":    pathRel,
			"split":  pathSplit,
			"stem":   pathFunction(stem),
		},
	}
}

// pathFunction makes a function for fragments of one that maps a path.
func pathFunction(fn func(string) string) glua.LGFunction {
	return func(L *glua.LState) int {
		L.Push(glua.LString(fn(L.CheckString(1))))
		return 1
	}
}

// extension is what begins with the last dot of the last part. A name which
// only begins with a dot has none: ".bashrc" is no file of a kind "bashrc".
func extension(path string) string {
	base := filepath.Base(path)
	if i := strings.LastIndexByte(base, '.'); i > 0 && strings.Trim(base, ".") != "" {
		return base[i:]
	}
	return ""
}

// stem is the last part without its extension.
func stem(path string) string {
	return strings.TrimSuffix(filepath.Base(path), extension(path))
}

func pathJoin(L *glua.LState) int {
	parts := make([]string, L.GetTop())
	for i := range parts {
		parts[i] = L.CheckString(i + 1)
	}
	L.Push(glua.LString(filepath.Join(parts...)))
	return 1
}

func pathSplit(L *glua.LState) int {
	path := L.CheckString(1)
	L.Push(glua.LString(filepath.Dir(path)))
	L.Push(glua.LString(filepath.Base(path)))
	return 2
}

func pathIsAbs(L *glua.LState) int {
	L.Push(glua.LBool(filepath.IsAbs(L.CheckString(1))))
	return 1
}

func pathAbs(L *glua.LState) int {
	return pushPath(L)(filepath.Abs(L.CheckString(1)))
}

func pathRel(L *glua.LState) int {
	return pushPath(L)(filepath.Rel(L.CheckString(1), L.CheckString(2)))
}

// pushPath returns what pushes a path, or reports why there is none.
func pushPath(L *glua.LState) func(path string, err error) int {
	return func(path string, err error) int {
		if err != nil {
			return failed(L, err)
		}
		L.Push(glua.LString(path))
		return 1
	}
}

func pathMatch(L *glua.LState) int {
	p, err := parsePattern(L.CheckString(1))
	if err != nil {
		L.ArgError(1, err.Error())
	}
	L.Push(glua.LBool(p.match(L.CheckString(2))))
	return 1
}

func pathExpand(L *glua.LState) int {
	return pushPath(L)(expandPath(Of(L).Context(), L.CheckString(1)))
}

// expandPath replaces a ~ at the beginning and variables. An unset variable is
// an error: "$DIR/cache" must not become "/cache".
func expandPath(ctx context.Context, path string) (string, error) {
	home, rest, err := expandHome(ctx, path)
	if err != nil {
		return "", err
	}
	var unset error
	rest = os.Expand(rest, func(name string) string {
		value, ok := os.LookupEnv(name)
		if !ok && unset == nil {
			unset = fmt.Errorf("expand %q: variable %q is not set", path, name)
		}
		return value
	})
	return home + rest, unset
}

// expandHome splits off what ~ or ~user stands for.
func expandHome(ctx context.Context, path string) (home, rest string, err error) {
	if !strings.HasPrefix(path, "~") {
		return "", path, nil
	}
	name, rest := path[1:], ""
	if i := strings.IndexFunc(name, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(byte(r)) }); i >= 0 {
		name, rest = name[:i], name[i:]
	}
	if name == "" {
		home, err = os.UserHomeDir()
		return home, rest, err
	}
	a, err := new(accounts).user(ctx, name)
	if err != nil {
		return "", "", fmt.Errorf("expand %q: %w", path, err)
	}
	return a.home, rest, nil
}
