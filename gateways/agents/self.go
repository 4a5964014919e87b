package agents

import (
	"errors"
	"runtime"
	"runtime/debug"

	"github.com/luagw/luagw"
)

// modulePath is luagw's own.
const modulePath = "github.com/luagw/luagw"

// Self gives this very program, for the platform that it runs on. On Linux it
// has to be built with CGO_ENABLED=0 to run where its libraries are missing.
// The zero value is usable.
type Self struct {
	files files
}

// Agents implements [Source]. The error says so if this program does not serve
// as an agent.
func (s *Self) Agents() ([]*Agent, error) {
	path, ok := luagw.SelfAgent()
	if !ok {
		return nil, errors.New("this program serves as no agent: its main does not call luagw.ServeIfAgent")
	}
	agent, err := s.files.agent(path, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	return []*Agent{agent}, nil
}

// isCommand reports whether this program is the luagw command.
func isCommand() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && info.Path == modulePath+"/cmd/luagw"
}
