// Package nearest finds the word that somebody meant who has mistyped it.
package nearest

import "strings"

// Word returns the word of known that takes the fewest edits to make of word,
// whatever the case; empty if that is more than half of it, or more than three.
func Word(word string, known []string) string {
	best, least := "", min(3, len(word)/2)+1
	if len(word) > 40 { // nobody mistyped that
		return ""
	}
	word = strings.ToLower(word)
	for _, k := range known {
		if d := distance(word, strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
