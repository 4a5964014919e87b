package become

import "strings"

// hint is what programs say, and what it means. Where their words are in another
// language none is found, and the user reads those.
type hint struct {
	words  string
	reason string
}

var terminalHints = []string{
	"must have a tty", "a tty is required", "terminal is required", "must be run from a terminal", "no tty present",
}

// hints are in the order of what tells more.
var hints = []hint{
	{"password expired", "the password has expired, and has to be changed first"},
	{"password has expired", "the password has expired, and has to be changed first"},
	{"account has expired", "the account has expired"},
	{"is expired", "the account or its password has expired"},
	{"password is required", ErrNoPassword.Error()},
	{"authentication is required", ErrNoPassword.Error()},
	{"Authentication required", ErrNoPassword.Error()},
	{"Authorization required", ErrNoPassword.Error()},
	{"not in the sudoers file", "this user may not do so: the sudoers file does not name it"},
	{"not allowed to", "this user may not do so"},
	{"may not run sudo", "this user may not do so"},
	{"I'm afraid I can't do that", "this user may not do so"},
	{"Operation not permitted", "this user may not do so"},
	{"try again", "the password is wrong"},
	{"incorrect password", "the password is wrong"},
	{"Authentication failure", "the password is wrong, or one is needed"},
	{"Authentication failed", "the password is wrong, or one is needed"},
	{"incorrect", "the password is wrong"},
	{"unknown user", "there is no such user"},
	{"does not exist", "there is no such user"},
	{"setuid root", "it is not installed so that it can become anybody"},
	{"no new privileges", "the process that it was started from may not get new privileges"},
}

// notFound is a shell's exit status for a program that is not there.
const notFound = 127

// hinted is what the words mean; empty if that is not known.
func hinted(said string) string {
	for _, hint := range hints {
		if strings.Contains(said, hint.words) {
			return hint.reason
		}
	}
	return ""
}

// reason tells why the program has ended, by its words and exit status.
func (t *talk) reason(said string, exit int) (reason string, wantsTerminal bool) {
	for _, words := range terminalHints {
		if strings.Contains(said, words) {
			return "it insists on a terminal", true
		}
	}
	if exit == notFound {
		return t.method.name + " is not there", false
	}
	if reason := hinted(said); reason != "" {
		return reason, false
	}
	if t.answered {
		return "it took the password and refused", false
	}
	return "it refused", false
}
