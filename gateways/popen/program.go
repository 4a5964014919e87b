package popen

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/internal/child"
)

const (
	// agentVar names the agent to run where a spec names none.
	agentVar = "LUAGW_AGENT"

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
		path, err := child.Lookup(words[0])
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
		return &program{path: path, args: []string{path}, env: []string{child.ServeVar + "=stdio"}, session: true}, nil
	}
	path, err := findAgent()
	return &program{path: path, args: []string{path}, session: true}, err
}

// findAgent finds the agent where nobody said which.
func findAgent() (string, error) {
	if name := os.Getenv(agentVar); name != "" {
		path, err := child.Lookup(name)
		if err != nil {
			err = fmt.Errorf("$%s: %w", agentVar, err)
		}
		return path, err
	}
	beside := besideSelf()
	if child.IsProgram(beside) {
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
