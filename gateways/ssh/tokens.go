package ssh

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tokens are what stands for %h and the like.
type tokens map[byte]string

// tokensFor are the tokens for a host, as far as its settings are known.
func tokensFor(home, name, addr string, found settings) tokens {
	local, _ := os.Hostname()
	short, _, _ := strings.Cut(local, ".")
	t := tokens{
		'%': "%", 'd': home, 'h': addr, 'n': name, 'p': first(found.one("port"), "22"), 'r': first(found.one("user"), localUser()), 'u': localUser(),
		'l': local, 'L': short, 'i': strconv.Itoa(os.Getuid()), 'k': first(found.one("hostkeyalias"), name),
		'j': found.one("proxyjump"),
	}
	return t.with('C', t.connectionHash(t['j']))
}

// connectionHash is %C of ssh_config(5).
func (t tokens) connectionHash(jump string) string {
	sum := sha1.Sum([]byte(t['l'] + t['h'] + t['p'] + t['r'] + jump))
	return hex.EncodeToString(sum[:])
}

// with returns the tokens and another one.
func (t tokens) with(name byte, value string) tokens {
	more := maps.Clone(t)
	more[name] = value
	return more
}

// expand replaces the %-tokens in text.
func (t tokens) expand(text string) (string, error) {
	if !strings.Contains(text, "%") {
		return text, nil
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			b.WriteByte(text[i])
			continue
		}
		i++
		if i == len(text) {
			return "", fmt.Errorf("%q in the ssh configuration ends in a %%", text)
		}
		value, ok := t[text[i]]
		if !ok {
			return "", fmt.Errorf("%q in the ssh configuration: %%%c is not known here", text, text[i])
		}
		b.WriteString(value)
	}
	return b.String(), nil
}

// path expands the tokens, a ~ in front and ${VARIABLE} in the name of a file.
func (t tokens) path(text string) (string, error) {
	return t.expand(expandEnv(untilde(text, t['d'])))
}

// expandEnv puts variables of the environment in the place of ${NAME}.
func expandEnv(text string) string {
	before, rest, ok := strings.Cut(text, "${")
	if !ok {
		return text
	}
	name, rest, ok := strings.Cut(rest, "}")
	if !ok {
		return text
	}
	return before + os.Getenv(name) + expandEnv(rest)
}

// untilde puts the home directory in the place of a ~ in front.
func untilde(path, home string) string {
	if path == "~" {
		return home
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home, rest)
	}
	return path
}
