package std

import (
	"path/filepath"
	"strings"
)

// pattern is a path with wildcards, split at the slashes: * and ? and [a-z]
// stand for anything but a slash, and a ** of its own for any number of
// directories.
type pattern struct {
	root  string // what stands before the first part: "" or "/", or a volume
	parts []string
}

// parsePattern fails if one of the parts is malformed.
func parsePattern(s string) (*pattern, error) {
	p := splitParts(s)
	for _, part := range p.parts {
		if _, err := filepath.Match(part, ""); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func splitParts(s string) *pattern {
	p := &pattern{root: filepath.VolumeName(s)}
	rest := filepath.ToSlash(s[len(p.root):])
	if strings.HasPrefix(rest, "/") {
		p.root += "/"
	}
	for part := range strings.SplitSeq(rest, "/") {
		if part != "" && part != "." {
			p.parts = append(p.parts, part)
		}
	}
	return p
}

// match reports whether path is of the pattern's form.
func (p *pattern) match(path string) bool {
	other := splitParts(path)
	return other.root == p.root && matchParts(p.parts, other.parts)
}

// matchParts takes time in the product of the lengths at most, whatever the
// number of "**": only the last one that was met need take more.
func matchParts(wild, parts []string) bool {
	w, i := 0, 0
	star, resume := -1, 0
	for i < len(parts) {
		switch {
		case w < len(wild) && wild[w] == "**":
			star, resume = w, i
			w++
		case w < len(wild) && matchPart(wild[w], parts[i]):
			w++
			i++
		case star >= 0:
			resume++
			w, i = star+1, resume
		default:
			return false
		}
	}
	for w < len(wild) && wild[w] == "**" {
		w++
	}
	return w == len(wild)
}

// matchPart is for parts that parsePattern has checked.
func matchPart(wild, part string) bool {
	ok, _ := filepath.Match(wild, part)
	return ok
}

// hasWildcard reports whether a part stands for more than one name.
func hasWildcard(part string) bool { return strings.ContainsAny(part, `*?[\`) }
