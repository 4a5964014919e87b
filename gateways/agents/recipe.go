package agents

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// recipeFile is the name of the file in luagw's source that says how an agent is
// built. It lies beside the agent's main.go, and make reads it too.
const recipeFile = "build.flags"

// recipe returns the environment in which the agent is built, and the flags of
// go build.
func (src source) recipe() (env, flags []string, err error) {
	text, err := os.ReadFile(filepath.Join(src.dir, "cmd", agentName, recipeFile))
	if err != nil {
		return nil, nil, fmt.Errorf("how the agent is built: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		switch line = strings.Trim(strings.TrimSpace(line), "'"); {
		case line == "" || line[0] == '#':
		case line[0] == '-':
			flags = append(flags, line)
		default:
			env = append(env, line)
		}
	}
	return env, flags, nil
}
