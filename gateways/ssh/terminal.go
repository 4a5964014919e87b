package ssh

import (
	"os"
	"strings"

	gossh "golang.org/x/crypto/ssh"
)

// rawTerminal is a request for a terminal that passes all bytes as they are:
// every mode of RFC 4254, section 8, that changes something is off.
func rawTerminal() []byte {
	const (
		first, last = 30, 62 // IGNPAR to PENDIN: input, signals and echo
		opost       = 70     // output
		cs8         = 91
	)
	var modes []byte
	set := func(mode, value byte) { modes = append(modes, mode, 0, 0, 0, value) }
	for mode := byte(first); mode <= last; mode++ {
		set(mode, 0)
	}
	for mode := byte(opost); mode <= opost+5; mode++ {
		set(mode, 0)
	}
	set(cs8, 1)
	return gossh.Marshal(struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}{"dumb", 80, 24, 0, 0, string(append(modes, 0))})
}

// variable is a request to set a variable of the environment.
type variable struct{ Name, Value string }

// environment are the variables that SendEnv and SetEnv tell to send. Those of
// SetEnv are last, which makes them count.
func (h *host) environment() (variables []variable) {
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if matchList(name, h.settings["sendenv"]) {
			variables = append(variables, variable{name, value})
		}
	}
	for _, setting := range h.settings["setenv"] {
		if name, value, ok := strings.Cut(setting, "="); ok {
			variables = append(variables, variable{name, value})
		}
	}
	return variables
}
