// Package allow holds rules about what fragments may do, as --allow of luagw
// serve gives them.
//
// Rules are separated by commas, and each names one thing that is allowed:
//
//	fs:read=PATH    read the file or folder PATH, and all below it
//	fs:write=PATH   change, make and remove what is at PATH and below it
//	exec=PATH       run the program PATH, or all below that folder
//	net=dial        reach further: gateways through this agent
//	net=listen      listen: agent.listen
//	net=all         both
//	net=none        neither, as if nothing were said
//
// A PATH is absolute; a comma in it is written \, and a backslash \\. Once there
// is any rule, what no rule names is not allowed. Without a rule everything is.
package allow

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// Var is the environment variable by which an agent is told its rules: those of
// several who each have a say, separated by newlines.
const Var = "LUAGW_ALLOW"

// Policy is the rules of all who have a say: something is allowed if each of
// them allows it. The zero Policy allows everything. It does not change, and
// its methods may be called concurrently.
type Policy struct{ all []rules }

// rules are those of one who has a say.
type rules struct {
	text              string
	read, write, exec []string
	dial, listen      bool
}

// Action is something that needs to be allowed.
type Action string

// What can be asked for.
const (
	Read   Action = "fs:read"
	Write  Action = "fs:write"
	Exec   Action = "exec"
	Dial   Action = "net=dial"
	Listen Action = "net=listen"
)

// Parse reads the rules of one, or of several on a line each. An empty text has
// none.
func Parse(text string) (Policy, error) {
	var p Policy
	if text == "" {
		return p, nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		r := rules{text: line}
		for _, rule := range split(line) {
			if err := r.add(rule); err != nil {
				return Policy{}, fmt.Errorf("rule %q: %w", rule, err)
			}
		}
		p.all = append(p.all, r)
	}
	return p, nil
}

// split cuts at commas and takes the backslashes out.
func split(line string) []string {
	var list []string
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line) && (line[i+1] == ',' || line[i+1] == '\\'):
			i++
			b.WriteByte(line[i])
		case c == ',':
			list = append(list, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(list, b.String())
}

func (r *rules) add(rule string) error {
	name, value, _ := strings.Cut(rule, "=")
	switch name {
	case string(Read):
		return addPath(&r.read, value)
	case string(Write):
		return addPath(&r.write, value)
	case string(Exec):
		return addPath(&r.exec, value)
	case "net":
		return r.addNet(value)
	}
	return errors.New("it is not known; there are fs:read=PATH, fs:write=PATH, exec=PATH and net=dial|listen|all|none")
}

func addPath(list *[]string, path string) error {
	if !filepath.IsAbs(path) || strings.ContainsAny(path, "\x00") {
		return errors.New("it needs an absolute path")
	}
	*list = append(*list, filepath.Clean(path))
	return nil
}

func (r *rules) addNet(value string) error {
	switch value {
	case "dial":
		r.dial = true
	case "listen":
		r.listen = true
	case "all":
		r.dial, r.listen = true, true
	case "none":
	default:
		return errors.New("net is dial, listen, all or none")
	}
	return nil
}

// And returns a policy that allows what both allow.
func (p Policy) And(q Policy) Policy {
	return Policy{all: append(p.all[:len(p.all):len(p.all)], q.all...)}
}

// All says whether everything is allowed.
func (p Policy) All() bool { return len(p.all) == 0 }

// String is the policy as text from which Parse makes an equal one.
func (p Policy) String() string {
	lines := make([]string, len(p.all))
	for i, r := range p.all {
		lines[i] = r.text
	}
	return strings.Join(lines, "\n")
}

// Check says whether an action is allowed. Path, for those that have one, must
// be absolute and clean, without symbolic links. The error names what was asked
// for.
func (p Policy) Check(what Action, path string) error {
	for _, r := range p.all {
		if r.allows(what, path) {
			continue
		}
		rule := string(what)
		if path != "" {
			rule += "=" + path
		}
		return fmt.Errorf("not allowed here: it needs %s", rule)
	}
	return nil
}

func (r rules) allows(what Action, path string) bool {
	switch what {
	case Read:
		return within(r.read, path)
	case Write:
		return within(r.write, path)
	case Exec:
		return within(r.exec, path)
	case Dial:
		return r.dial
	}
	return what == Listen && r.listen
}

// within says whether path is one of the list or below it.
func within(list []string, path string) bool {
	for _, top := range list {
		if path == top || strings.HasPrefix(path, strings.TrimSuffix(top, string(filepath.Separator))+string(filepath.Separator)) {
			return true
		}
	}
	return false
}
