package luagw

import (
	"encoding/base64"
	"os"
	"strconv"
	"strings"
)

const (
	// aheadVar has the first bytes of an agent's standard input, in base64,
	// behind the number of the process that is meant and a space. The script
	// that starts an agent sets it.
	aheadVar = "LUAGW_AHEAD"

	// loginVar is where that script has them from. An agent that is started
	// without the script has no use for it.
	loginVar = "LC_LUAGW"
)

// takeAhead takes the first bytes of the standard input out of the environment,
// so that no fragment finds them there, nor what it starts. None if they are not
// for this process: whoever has inherited the environment must not act on them
// once more.
func takeAhead() []byte {
	value := os.Getenv(aheadVar)
	os.Unsetenv(aheadVar)
	os.Unsetenv(loginVar)
	pid, text, _ := strings.Cut(value, " ")
	if pid != strconv.Itoa(os.Getpid()) {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil { // the standard input has all of it
		return nil
	}
	return b
}
