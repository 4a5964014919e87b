//go:build !luagw_agent

package child

import (
	"os/exec"
	"slices"
	"strings"

	"github.com/luagw/luagw/internal/allow"
)

// keepOut takes out of a copy's environment what has the loader of the system
// put other code into it, which no rules would bind. A fragment, or its near
// side, can have set that. Luagw-agent is linked statically and has no loader.
func keepOut(cmd *exec.Cmd) {
	if allow.Here().All() {
		return
	}
	cmd.Env = slices.DeleteFunc(cmd.Env, func(entry string) bool {
		return strings.HasPrefix(entry, "LD_") || strings.HasPrefix(entry, "DYLD_")
	})
}
