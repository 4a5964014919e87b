package bootstrap

import (
	_ "embed"
	"strings"

	"github.com/luagw/luagw/gateways/agents"
)

//go:embed bootstrap.sh
var scriptSource string

// script is bootstrap.sh in one line.
var script = joinScript(scriptSource)

// joinScript leaves out the comments and joins the lines.
func joinScript(source string) string {
	var lines []string
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " ")
}

// commandLine returns the command line that runs one of the agents.
func commandLine(all []*agents.Agent) string {
	var hashes strings.Builder
	for _, agent := range all {
		patterns := unamePatterns(agent.OS, agent.Arch)
		if agent.Hash != "" && patterns != "" {
			hashes.WriteString(patterns + ") h=" + agent.Hash + ";; ")
		}
	}
	return "exec sh -c '" + strings.Replace(script, "@HASHES@ ", hashes.String(), 1) + "' luagw"
}

// quoteWords returns a command line of which every login shell makes the words:
// Bourne shells, csh and fish agree on what stands between single quotes, as
// long as it has no single quote, backslash or exclamation mark, and on a
// backslash before one of these outside.
func quoteWords(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quoteWord(word)
	}
	return strings.Join(quoted, " ")
}

func quoteWord(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./,:@+-"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	var b strings.Builder
	for word != "" {
		at := strings.IndexAny(word, `'\!`)
		if at < 0 {
			at = len(word)
		}
		if at > 0 {
			b.WriteString("'" + word[:at] + "'")
			word = word[at:]
			continue
		}
		b.WriteString(`\` + word[:1])
		word = word[1:]
	}
	if b.Len() == 0 {
		return "''"
	}
	return b.String()
}
