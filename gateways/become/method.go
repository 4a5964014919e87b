package become

import (
	"fmt"
	"strings"

	"github.com/luagw/luagw"
)

// method is a program that makes another user of one.
type method struct {
	name string

	// alwaysPTY says that it takes passwords from a terminal only.
	alwaysPTY bool

	// wrap makes a line of one: as user, announced by a line with mark on its
	// standard output. With ask it may prompt, and then in words which have
	// prompt in them if it can be told to.
	wrap func(user, line, mark string, ask bool) string
}

var methods = map[string]*method{
	"sudo": {name: "sudo", wrap: wrapSudo},
	"su":   {name: "su", wrap: wrapSu},
	"doas": {name: "doas", alwaysPTY: true, wrap: wrapDoas},
}

func methodOf(spec *luagw.Spec) (*method, error) {
	name := spec.Params["become_method"]
	if name == "" {
		name = "sudo"
	}
	m := methods[name]
	if m == nil {
		return nil, &luagw.SpecError{Spec: spec.String(), Key: "become_method", Reason: fmt.Sprintf("unknown method %q, want sudo, su or doas", name)}
	}
	user := spec.Params["become"]
	if strings.HasPrefix(user, "-") || strings.ContainsAny(user, " '\"\\$`!\t\n") {
		return nil, &luagw.SpecError{Spec: spec.String(), Key: "become", Reason: fmt.Sprintf("%q is no name of a user", user)}
	}
	return m, nil
}

// promptOf is what a prompt of sudo's contains.
func promptOf(mark string) string { return mark + "-password:" }

// announce runs the command that follows, once it has said that it is about to.
func announce(mark string) string { return `sh -c 'echo ` + mark + `; exec "$@"' sh` }

// wrapSudo has sudo take the user's home directory, where agents are kept.
func wrapSudo(user, line, mark string, ask bool) string {
	how := "-n"
	if ask {
		how = "-S -p " + promptOf(mark)
	}
	return splice("sudo -H "+how+" -u "+quote(user)+" -- "+announce(mark), line)
}

// wrapSu names the shell, for the user may have one that runs nothing. In the
// environment su leaves the name of who became root.
func wrapSu(user, line, mark string, _ bool) string {
	name := "USER=" + quote(user) + " LOGNAME=" + quote(user) + "; export USER LOGNAME; "
	return "exec su -s /bin/sh -c " + quote("echo "+mark+"; "+name+line) + " " + quote(user)
}

func wrapDoas(user, line, mark string, ask bool) string {
	how := "-n "
	if ask {
		how = ""
	}
	return splice("doas "+how+"-u "+quote(user)+" "+announce(mark), line)
}
