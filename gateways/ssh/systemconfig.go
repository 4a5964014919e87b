package ssh

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
)

// systemSettings asks OpenSSH what the configuration says of a host, by ssh -G.
// That takes a process and some 10 ms, so only what readSettings cannot
// understand itself comes here: CanonicalizeHostname and rare kinds of Match.
// What it says without any configuration is a default and no setting: those of
// this package are others. Where there is no OpenSSH, it is said, and what was
// understood counts.
func (d *Dialer) systemSettings(ctx context.Context, name, file string, given, understood settings, why error) (settings, error) {
	path, err := exec.LookPath("ssh")
	if err != nil {
		d.notice(fmt.Sprintf("%v, and no program ssh is here: that part has no effect", why))
		return understood, nil
	}
	ctx, cancel := withAskTime(ctx) // it runs what stands behind Match exec
	defer cancel()
	says, err := dumpSettings(ctx, path, name, untilde(file, d.home()), given)
	if err != nil {
		return nil, err
	}
	usual, err := dumpSettings(ctx, path, name, "none", given)
	if err != nil {
		return nil, err
	}
	found := maps.Clone(given)
	for keyword, words := range says {
		if !slices.Equal(words, usual[keyword]) {
			found.add(keyword, words)
		}
	}
	return found, nil
}

// dumpSettings returns what ssh -G says, with OpenSSH's defaults for all that the
// file does not speak of.
func dumpSettings(ctx context.Context, path, name, file string, given settings) (settings, error) {
	args := []string{"-G"}
	if file != "" {
		args = append(args, "-F", file)
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
	if ctx.Err() != nil {
		return nil, fmt.Errorf("ssh -G %s: %w", name, reason(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("ssh -G %s: %w: %s", name, err, strings.TrimSpace(stderr.String()))
	}
	return parseDump(out), nil
}

// onePath are the keywords whose value ssh -G prints as it is, with the blanks
// that may be in it.
var onePath = map[string]bool{"identityfile": true, "certificatefile": true, "identityagent": true}

// parseDump reads what ssh -G prints: a keyword and its value on each line.
func parseDump(out []byte) settings {
	found := settings{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		keyword, value, _ := strings.Cut(lines.Text(), " ")
		words := strings.Fields(value)
		if rawKeywords[keyword] || onePath[keyword] {
			words = []string{value}
		}
		if len(words) > 0 {
			found.add(keyword, words)
		}
	}
	return found
}
