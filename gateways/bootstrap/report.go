package bootstrap

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
)

// reportPrefix begins the lines by which bootstrap.sh reports.
const reportPrefix = "luagw-bootstrap "

// helloPrefix begins an agent's hello.
const helloPrefix = "luagw "

const (
	// maxLine is how long a line may be to be taken for a report or a
	// hello. The longest tells why each of six places will not do.
	maxLine = 32 << 10

	// maxReason is how much of a reason is shown.
	maxReason = 4 << 10
)

// lineKind is what a line before the hello may be.
type lineKind int

const (
	noiseLine lineKind = iota
	reportLine
	helloLine
)

// kindOf tells what a whole line is, without its line break. What is a hello is
// what package luagw takes for one.
func kindOf(line []byte) lineKind {
	if bytes.HasPrefix(line, []byte(reportPrefix)) {
		return reportLine
	}
	after, ok := bytes.CutPrefix(line, []byte(helloPrefix))
	if ok && len(after) > 0 && '0' <= after[0] && after[0] <= '9' &&
		(bytes.Contains(after, []byte(" ok ")) || bytes.Contains(after, []byte(" error "))) {
		return helloLine
	}
	return noiseLine
}

// mayBecome reports whether the beginning of a line may become a report or a
// hello.
func mayBecome(begun []byte) bool {
	if len(begun) > maxLine {
		return false
	}
	for _, prefix := range []string{reportPrefix, helloPrefix} {
		n := min(len(begun), len(prefix))
		if string(begun[:n]) == prefix[:n] {
			return true
		}
	}
	return false
}

// ddRecords is what dd says besides what went wrong.
var ddRecords = regexp.MustCompile(`\s*\d+\+\d+ records (in|out)[^;]*|dd: warning: partial read \(\d+ bytes\)(; suggest iflag=fullblock)?\s*`)

// cleanReason makes a far side's words fit for the end of a sentence.
func cleanReason(words string) string {
	words = ddRecords.ReplaceAllString(words, "")
	words = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(words, "\uFFFD"))
	words = strings.Trim(words, " ;")
	if len(words) > maxReason {
		words = strings.ToValidUTF8(words[:maxReason], "") + "..."
	}
	return words
}
