package popen

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/proctree"
)

const (
	// agentVar names the agent to run where a spec names none.
	agentVar = "LUAGW_AGENT"

	// serveVar makes a program that can serve as an agent do so.
	serveVar = "LUAGW_SERVE"

	agentName = "luagw-agent"
)

// program is what is to be started.
type program struct {
	path    string
	args    []string // the first is its name
	env     []string // added to the inherited environment
	session bool     // leads a session, or else a process group
}

// resolve finds the program that spec tells of.
func (d *Dialer) resolve(spec *luagw.Spec) (*program, error) {
	words, err := spec.Command()
	if err != nil {
		return nil, err
	}
	session := spec.Kind != "exec"
	if len(words) > 0 {
		path, err := lookup(words[0])
		return &program{path: path, args: words, session: session}, err
	}
	if !session {
		return nil, errors.New("exec without a command")
	}
	self := d.Self
	if self == nil {
		self = luagw.SelfAgent
	}
	if path, ok := self(); ok {
		return &program{path: path, args: []string{path}, env: []string{serveVar + "=stdio"}, session: true}, nil
	}
	path, err := findAgent()
	return &program{path: path, args: []string{path}, session: true}, err
}

// lookup finds a program by its path, or by its name on the PATH.
func lookup(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	if ee, ok := errors.AsType[*exec.Error](err); ok {
		err = ee.Err
	}
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		err = pe.Err
	}
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("program %q is not on the PATH %q: %w", name, os.Getenv("PATH"), err)
	}
	return "", fmt.Errorf("program %q: %w", name, err)
}

// findAgent finds the agent where nobody said which.
func findAgent() (string, error) {
	if name := os.Getenv(agentVar); name != "" {
		path, err := lookup(name)
		if err != nil {
			err = fmt.Errorf("$%s: %w", agentVar, err)
		}
		return path, err
	}
	beside := besideSelf()
	if isProgram(beside) {
		return beside, nil
	}
	path, err := exec.LookPath(agentName)
	if err != nil {
		return "", fmt.Errorf("no agent to run: this program is none, $%s is not set, and there is neither %q nor %s on the PATH %q",
			agentVar, beside, agentName, os.Getenv("PATH"))
	}
	return path, nil
}

// besideSelf returns where the agent would be beside this program.
func besideSelf() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	name := agentName
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(filepath.Dir(self), name)
}

// isProgram says whether path can be executed. It is not looked for elsewhere.
func isProgram(path string) bool {
	if !filepath.IsAbs(path) {
		path = "." + string(filepath.Separator) + path
	}
	_, err := exec.LookPath(path)
	return err == nil
}

// environment returns what a child inherits, and extra. The variables which
// say what this process itself was started for are not handed down: a child of
// a detached process is no detached process.
func environment(extra []string) []string {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == serveVar || name == proctree.CookieVar || name == proctree.DetachedVar
	})
	return append(env, extra...)
}
