package ssh

import "strings"

// matchPattern says whether text is what a pattern means, in which * stands
// for any characters and ? for one.
func matchPattern(text, pattern string) bool {
	star, retry := -1, 0
	t, p := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			t, p = t+1, p+1
		case star >= 0: // let the last * have one character more
			retry++
			t, p = retry, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchList says whether text is what one of the patterns means and none of
// those behind an exclamation mark.
func matchList(text string, patterns []string) bool {
	found := false
	for _, pattern := range patterns {
		negated, not := strings.CutPrefix(pattern, "!")
		if not && matchPattern(text, negated) {
			return false
		}
		found = found || !not && matchPattern(text, pattern)
	}
	return found
}

// matchHosts is matchList for names of hosts, in which case does not matter.
func matchHosts(host string, patterns []string) bool {
	lower := make([]string, len(patterns))
	for i, pattern := range patterns {
		lower[i] = strings.ToLower(pattern)
	}
	return matchList(strings.ToLower(host), lower)
}
