package bootstrap

import (
	"path"
	"slices"
	"strings"

	"github.com/luagw/luagw"
)

// Exec returns the words of the command line of a spec of kind exec, and
// whether it runs what [Bootstrap.Command] returns, so that
// [Bootstrap.Start] is to be called on it.
//
// The spec's command line is an agent as it is, unless a program to run is
// still missing at its end ([Missing] says when), and then it is completed to
// run the command line of Command. The key bootstrap of the spec decides
// otherwise: with no it is an agent in any case, and with yes none. The error
// is a [*luagw.SpecError].
func (b *Bootstrap) Exec(spec *luagw.Spec) (words []string, bootstraps bool, err error) {
	words, bootstraps, err = Complete(spec, "")
	if err != nil || !bootstraps {
		return words, bootstraps, err
	}
	line, err := b.Command(spec)
	if err != nil {
		return nil, false, err
	}
	return Complete(spec, line)
}

// Complete is what Exec does, with a command line for a shell of the caller's.
func Complete(spec *luagw.Spec, line string) (words []string, completed bool, err error) {
	words, err = spec.Command()
	if err != nil {
		return nil, false, err
	}
	tail, missing := Missing(words)
	switch spec.Params["bootstrap"] {
	case "no":
		return words, false, nil
	case "yes":
		if !missing {
			tail = []string{"sh", "-c"}
		}
	default:
		if name := deaf(words); name != "" {
			return nil, false, &luagw.SpecError{Spec: spec.String(), Key: "exec", Reason: name + " exec gives no input to what it runs; write " + name + " exec -i"}
		}
		if !missing {
			return words, false, nil
		}
	}
	times := flattened(words)
	if len(tail) == 0 { // the last takes a line
		times--
	}
	for range times {
		line = quoteWord(line)
	}
	return slices.Concat(words, tail, []string{line}), true, nil
}

// deaf returns the name of the command in a command line that lacks the flag by
// which what it runs gets a standard input; empty if none does.
func deaf(words []string) string {
	if len(words) == 0 {
		return ""
	}
	name := strings.TrimSuffix(path.Base(words[0]), ".exe")
	runner, ok := runners[name]
	if !ok {
		return ""
	}
	rest, ok := runner.after(words[1:])
	if !ok {
		return ""
	}
	own := words[1 : len(words)-len(rest)]
	if runner.asks && !slices.Contains(own, "compose") && !slices.ContainsFunc(own, isInputFlag) {
		return name
	}
	return deaf(rest)
}

// isInputFlag takes a cluster of short flags as well, as in -ti.
func isInputFlag(word string) bool {
	name, _, _ := strings.Cut(word, "=")
	return name == "--interactive" || name == "--stdin" || len(word) > 1 && word[0] == '-' && word[1] != '-' && strings.Contains(word, "i")
}

// Missing tells whether a command line ends where a program to run is still
// missing, as docker exec -i web1 does, and the words that have to follow
// before a command line for a shell: sh -c in most cases, -c alone where the
// last word is a shell, and none where the command itself takes such a line,
// as ssh does. doc/bootstrap.md has the table. What it does not know it takes
// for complete.
func Missing(words []string) (tail []string, missing bool) {
	if len(words) == 0 {
		return nil, false
	}
	last := path.Base(words[len(words)-1])
	switch {
	case last == "--":
		return []string{"sh", "-c"}, true
	case slices.Contains(shells, last):
		return []string{"-c"}, true
	}
	name := strings.TrimSuffix(path.Base(words[0]), ".exe")
	runner, ok := runners[name]
	if !ok {
		return nil, false
	}
	rest, ok := runner.after(words[1:])
	if !ok {
		return nil, false
	}
	if len(rest) == 0 {
		return runner.tail, true
	}
	return Missing(rest)
}

// shells are those which take -c and a command line.
var shells = []string{
	"sh", "ash", "bash", "dash", "ksh", "ksh93", "mksh", "oksh", "yash", "zsh", "fish", "csh", "tcsh",
}

// runner tells how the command line of a program goes on that runs another.
type runner struct {
	verbs    [][]string // of which one has to come, as in docker compose exec; nil if it needs none
	operands int        // between the flags and the program, as the container's name
	assigns  bool       // NAME=VALUE may stand before the program
	asks     bool       // what it runs has a standard input only if -i asks for it; never of compose
	values   string     // flags with a value that is a word of its own
	tail     []string   // what has to follow
}

const (
	dockerValues  = "-H --host -c --context --config -l --log-level --tlscacert --tlscert --tlskey -e --env --env-file -u --user -w --workdir --detach-keys"
	podmanValues  = dockerValues + " --connection --url --identity --root --runroot --storage-driver --preserve-fds --cidfile -n --namespace -a --address --snapshotter"
	composeValues = dockerValues + " -f --file -p --project-name --project-directory --profile --ansi --progress --parallel --index"
	lxcValues     = "--project --cwd --env --user --group --mode"
	kubeValues    = "-n --namespace -c --container -s --server --context --cluster --kubeconfig --user --as --as-group --token --request-timeout --pod-running-timeout -f --filename"
	sshValues     = "-B -b -c -D -E -e -F -I -i -J -L -l -m -O -o -P -p -Q -R -S -W -w"
)

var (
	shTail     = []string{"sh", "-c"}
	dashesTail = []string{"--", "sh", "-c"}
	execVerb   = [][]string{{"exec"}, {"container", "exec"}}
)

var runners = map[string]runner{
	"docker":         {verbs: [][]string{{"compose", "exec"}, {"exec"}, {"container", "exec"}}, operands: 1, values: composeValues, asks: true, tail: shTail},
	"docker-compose": {verbs: [][]string{{"exec"}}, operands: 1, values: composeValues, tail: shTail},
	"podman":         {verbs: execVerb, operands: 1, values: podmanValues, asks: true, tail: shTail},
	"nerdctl":        {verbs: execVerb, operands: 1, values: podmanValues, asks: true, tail: shTail},
	"lxc":            {verbs: [][]string{{"exec"}}, operands: 1, values: lxcValues, tail: dashesTail},
	"incus":          {verbs: [][]string{{"exec"}}, operands: 1, values: lxcValues, tail: dashesTail},
	"kubectl":        {verbs: [][]string{{"exec"}}, operands: 1, values: kubeValues, asks: true, tail: dashesTail},
	"oc":             {verbs: [][]string{{"exec"}}, operands: 1, values: kubeValues, asks: true, tail: dashesTail},
	"ssh":            {operands: 1, values: sshValues},
	"sudo":           {assigns: true, values: "-u --user -g --group -C --close-from -h --host -p --prompt -r --role -t --type -T --command-timeout -U --other-user -D --chdir -R --chroot -c --login-class", tail: shTail},
	"doas":           {values: "-u -C -a", tail: shTail},
	"nsenter":        {values: "-t --target -S --setuid -G --setgid -N --net-socket", tail: shTail},
	"chroot":         {operands: 1, values: "-u -g -G", tail: shTail},
	"env":            {assigns: true, values: "-u --unset -C --chdir", tail: shTail},
}

// after returns what follows the flags, verbs and operands; false if one of
// these is missing itself.
func (r runner) after(words []string) ([]string, bool) {
	words = r.skipFlags(words)
	if r.verbs != nil {
		var ok bool
		if words, ok = r.skipVerbs(words); !ok {
			return nil, false
		}
	}
	for range r.operands {
		if len(words) == 0 {
			return nil, false
		}
		words = r.skipFlags(words[1:])
	}
	for r.assigns && len(words) > 0 && isAssignment(words[0]) {
		words = words[1:]
	}
	return words, true
}

// skipVerbs skips the words of one of the verbs, each with its flags.
func (r runner) skipVerbs(words []string) ([]string, bool) {
	for _, verb := range r.verbs {
		rest := words
		for len(verb) > 0 && len(rest) > 0 && rest[0] == verb[0] {
			verb, rest = verb[1:], r.skipFlags(rest[1:])
		}
		if len(verb) == 0 {
			return rest, true
		}
	}
	return nil, false
}

// skipFlags skips flags with their values, up to -- and with it.
func (r runner) skipFlags(words []string) []string {
	for len(words) > 0 && len(words[0]) > 1 && words[0][0] == '-' {
		flag := words[0]
		words = words[1:]
		if flag == "--" {
			return words
		}
		if r.takesNext(flag) && len(words) > 0 {
			words = words[1:]
		}
	}
	return words
}

// takesNext reports whether the next word is the flag's value: it is one of
// values, or a cluster of short flags that ends in one, as in -nu.
func (r runner) takesNext(flag string) bool {
	values := strings.Fields(r.values)
	if strings.HasPrefix(flag, "--") {
		return slices.Contains(values, flag)
	}
	for i := 1; i < len(flag); i++ {
		if slices.Contains(values, "-"+flag[i:i+1]) {
			return i == len(flag)-1 // else the rest of the cluster is its value
		}
	}
	return false
}

func isAssignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != ""
}

// flattened tells how often the words behind a command line are joined to a line
// for a shell, and so lose their quoting: once by each ssh.
func flattened(words []string) (times int) {
	for len(words) > 0 {
		name := strings.TrimSuffix(path.Base(words[0]), ".exe")
		runner, ok := runners[name]
		if !ok {
			break
		}
		if words, ok = runner.after(words[1:]); ok && name == "ssh" {
			times++
		}
	}
	return times
}
