package ssh

import (
	"fmt"
	"os/exec"
	"strings"
)

// match says whether a Match line is about this host.
func (r *configReader) match(line *configLine) (bool, error) {
	matches := true
	for words := line.words; len(words) > 0; {
		criterion, not := strings.CutPrefix(words[0], "!")
		criterion, value, joined := strings.Cut(criterion, "=")
		criterion = strings.ToLower(criterion)
		words = words[1:]
		if !joined && !standsAlone[criterion] {
			if len(words) == 0 {
				return false, fmt.Errorf("%s: Match %s has no value", line.where(), criterion)
			}
			value, words = words[0], words[1:]
		}
		if !matches && criterion == "exec" {
			continue // nothing is run for what will not match
		}
		is, err := r.meets(line, criterion, value)
		if err != nil {
			return false, err
		}
		matches = matches && is != not
	}
	return matches, nil
}

// standsAlone are the criteria without a value.
var standsAlone = map[string]bool{"all": true, "canonical": true, "final": true}

// meets says whether a criterion is met. Those that only OpenSSH can answer
// are errNeedsSystem.
func (r *configReader) meets(line *configLine, criterion, value string) (bool, error) {
	list := strings.Split(value, ",")
	switch criterion {
	case "all":
		return true, nil
	case "final":
		r.wants = r.wants || !r.final
		return r.final, nil
	case "canonical":
		return r.final, nil
	case "host":
		return matchHosts(r.hostName(), list), nil
	case "originalhost":
		return matchHosts(r.original, list), nil
	case "user":
		user := r.found.one("user")
		if user == "" {
			user = r.user
		}
		return matchList(user, list), nil
	case "localuser":
		return matchList(r.user, list), nil
	case "exec":
		return r.succeeds(line, value)
	case "tagged", "localnetwork", "version", "command", "sessiontype":
		return false, fmt.Errorf("%s: Match %s: %w", line.where(), criterion, errNeedsSystem)
	}
	return false, fmt.Errorf("%s: Match does not know %q", line.where(), criterion)
}

// succeeds runs the command of Match exec, by the user's shell, as OpenSSH does.
// It may ask the user something, and has the time for that.
func (r *configReader) succeeds(line *configLine, command string) (bool, error) {
	command, err := tokensFor(r.home, r.original, r.hostName(), r.found).expand(command)
	if err != nil {
		return false, fmt.Errorf("%s: %w", line.where(), err)
	}
	args := byShell(command)
	ctx, cancel := withAskTime(r.ctx)
	defer cancel()
	err = exec.CommandContext(ctx, args[0], args[1:]...).Run()
	if ctx.Err() != nil {
		return false, fmt.Errorf("%s: Match exec %q: %w", line.where(), command, reason(ctx))
	}
	return err == nil, nil
}
