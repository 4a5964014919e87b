package ssh

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"strings"
)

// systemSettings asks OpenSSH what the configuration says of a host, by ssh -G.
// That takes a process and some 10 ms, so only what readSettings cannot
// understand itself comes here: CanonicalizeHostname and rare kinds of Match.
// Where there is no OpenSSH, it is said, and what was understood counts.
func (d *Dialer) systemSettings(ctx context.Context, name, file string, given, understood settings, why error) (settings, error) {
	path, err := exec.LookPath("ssh")
	if err != nil {
		d.notice(fmt.Sprintf("%v, and no program ssh is here: that part has no effect", why))
		return understood, nil
	}
	args := []string{"-G"}
	if file != "" {
		args = append(args, "-F", untilde(file, d.home()))
	}
	for _, keyword := range []string{"user", "port"} {
		if value := given.one(keyword); value != "" {
			args = append(args, "-o", keyword+"="+value)
		}
	}
	command := exec.CommandContext(ctx, path, append(args, "--", name)...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("ssh -G %s: %w: %s", name, err, strings.TrimSpace(stderr.String()))
	}
	return parseDump(out, given), nil
}

// parseDump reads what ssh -G prints: a keyword and its value on each line.
// What is given comes before it.
func parseDump(out []byte, given settings) settings {
	found := maps.Clone(given)
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		keyword, value, _ := strings.Cut(lines.Text(), " ")
		words := strings.Fields(value)
		if rawKeywords[keyword] {
			words = []string{value}
		}
		if len(words) > 0 {
			found.add(keyword, words)
		}
	}
	return found
}
