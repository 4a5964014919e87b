package ssh

import (
	"fmt"
	"strings"
	"unicode"
)

// checkNames refuses names of which a shell would make more than names, as
// OpenSSH does: ProxyCommand and Match exec put them into commands, and specs may
// come from others than whoever wrote the configuration.
func checkNames(host, user string) error {
	if what := oddHost(host); what != "" {
		return fmt.Errorf("the name of the host %q %s", host, what)
	}
	if what := oddUser(user); what != "" {
		return fmt.Errorf("the name of the user %q %s", user, what)
	}
	return nil
}

func oddHost(name string) string {
	if strings.HasPrefix(name, "-") {
		return `begins with a "-"`
	}
	return odd(name, func(c rune) bool { return strings.ContainsRune("'`\"$\\;&<>|(){}", c) || unicode.IsSpace(c) })
}

// oddUser takes more: there are users with blanks in their names, and domains
// before a backslash.
func oddUser(name string) string {
	switch {
	case strings.HasPrefix(name, "-"):
		return `begins with a "-"`
	case strings.HasSuffix(name, `\`):
		return `has a "\\" at its end`
	case strings.Contains(name, " -"):
		return `has a " -" in it`
	}
	return odd(name, func(c rune) bool { return strings.ContainsRune("'`\";&<>|(){}", c) })
}

// odd tells of the first character that is not wanted.
func odd(name string, unwanted func(rune) bool) string {
	for _, c := range name {
		if unwanted(c) || unicode.IsControl(c) {
			return fmt.Sprintf("has a %q in it", string(c))
		}
	}
	return ""
}
