package std

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/luagw/luagw/internal/allow"
	glua "github.com/yuin/gopher-lua"
)

func fsGlob(L *glua.LState) int {
	p, err := parsePattern(L.CheckString(1))
	if err != nil {
		L.ArgError(1, err.Error())
	}
	g := &globbing{ctx: Of(L).Context()}
	g.expand(p.root, p.parts)
	if err := g.ctx.Err(); err != nil {
		return failed(L, err)
	}
	slices.Sort(g.found)
	L.Push(listOfStrings(L, slices.Compact(g.found)))
	return 1
}

// globbing finds the paths of a pattern's form. What cannot be read has no
// names in it, as for a shell.
type globbing struct {
	ctx   context.Context
	found []string
}

// expand finds what is of the form parts below dir.
func (g *globbing) expand(dir string, parts []string) {
	switch {
	case g.ctx.Err() != nil:
	case len(parts) == 0:
		if dir != "" {
			g.found = append(g.found, dir)
		}
	case parts[0] == "**":
		g.expandAny(dir, parts[1:])
	case !hasWildcard(parts[0]):
		path := filepath.Join(dir, parts[0])
		if permitted(allow.Read, path) != nil {
			return
		}
		if _, err := os.Lstat(path); err == nil {
			g.expand(path, parts[1:])
		}
	default:
		g.expandNames(dir, parts)
	}
}

func (g *globbing) expandNames(dir string, parts []string) {
	for _, entry := range readNames(dir) {
		name := entry.Name()
		if isHidden(name) && !strings.HasPrefix(parts[0], ".") || !matchPart(parts[0], name) {
			continue
		}
		path := filepath.Join(dir, name)
		if len(parts) > 1 && !isDirectory(path, entry) {
			continue
		}
		g.expand(path, parts[1:])
	}
}

// expandAny finds what is of the form rest in dir and in all directories below
// it. It follows no symbolic links, which may lead in circles.
func (g *globbing) expandAny(dir string, rest []string) {
	if g.ctx.Err() != nil {
		return
	}
	g.expand(dir, rest)
	for _, entry := range readNames(dir) {
		if isHidden(entry.Name()) {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		if entry.IsDir() {
			g.expandAny(path, rest)
		} else if len(rest) == 0 {
			g.found = append(g.found, path)
		}
	}
}

func readNames(dir string) []fs.DirEntry {
	if dir == "" {
		dir = "."
	}
	if permitted(allow.Read, dir) != nil {
		return nil // as what cannot be read
	}
	entries, _ := os.ReadDir(dir)
	return entries
}

func isHidden(name string) bool { return strings.HasPrefix(name, ".") }

// isDirectory reports whether path is a directory, or a link to one.
func isDirectory(path string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return entry.IsDir()
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
