package allow

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// maxLinks is how many symbolic links may lead somewhere, as in Linux.
const maxLinks = 40

// CheckPath says whether an action is allowed on the file that a path leads to,
// through all symbolic links and .., as the kernel goes; with link, on the link
// itself where it is one. For Write, what has to be made on the way must be
// allowed too. The error names what it would need.
//
// Whoever changes links between this and the use of the path leads it elsewhere;
// see doc/security.md.
func (p Policy) CheckPath(what Action, path string, link bool) error {
	if p.All() {
		return nil
	}
	end, missing, err := resolve(path, link && !strings.HasSuffix(path, "/"))
	if err != nil {
		return err
	}
	if missing != "" && what == Write {
		if err := p.Check(what, missing); err != nil {
			return err
		}
	}
	return p.Check(what, end)
}

// resolve finds where a path leads, and the first on the way that is not there;
// empty if all are. It goes as the kernel does: a .. behind a link is above what
// the link leads to.
func resolve(path string, link bool) (end, missing string, err error) {
	if path == "" {
		return "", "", &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if path[0] != '/' {
		dir, err := os.Getwd()
		if err != nil {
			return "", "", err
		}
		path = dir + "/" + path
	}
	todo := strings.Split(path, "/")
	at := ""
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = at[:max(strings.LastIndexByte(at, '/'), 0)]
			continue
		}
		next := at + "/" + part
		if last := len(todo) == 0; last && link {
			return next, missing, nil
		}
		target, err := os.Readlink(next)
		if err != nil {
			if missing == "" && errors.Is(err, fs.ErrNotExist) {
				missing = next
			}
			at = next // no link, or not there: the use of it will tell
			continue
		}
		if links++; links > maxLinks {
			return "", "", &fs.PathError{Op: "open", Path: path, Err: errors.New("too many levels of symbolic links")}
		}
		if strings.HasPrefix(target, "/") {
			at = ""
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	if at == "" {
		at = "/"
	}
	return at, missing, nil
}
