package std

import "errors"

var errNoListening = errors.New("agents do not listen on this system")

// agentListener is never made here.
type agentListener struct{}

func (*agentListener) close() {}

func listenTCP(string, int) (*agentListener, string, error) { return nil, "", errNoListening }

func listenPath(string) (*agentListener, string, error) { return nil, "", errNoListening }
