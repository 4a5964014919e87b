package luagw

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DefaultPort is where a tcp gateway connects if its spec names no port.
const DefaultPort = 8888

// DefaultDir is the working directory of ssh and tcp gateways whose spec names
// none, relative to where the far side starts.
const DefaultDir = "luagw-cache"

// Spec tells how to reach the far side and how to set it up there. [ParseSpec]
// makes one from its text. A Spec is plain data: it may be read concurrently,
// and must not be changed once a gateway was opened with it.
type Spec struct {
	Kind   string            // "popen", "exec", "ssh", "tcp" or "unix"
	Target string            // host (IPv6 without brackets), socket path, or command line; empty for popen
	Agent  string            // command line of the agent to run; found or uploaded if empty
	Dir    string            // working directory, made if it is missing; where the far side starts if empty
	ID     string            // name within the group; gw0, gw1, ... if empty
	Via    string            // id of the gateway to go through; straight from here if empty
	Nice   int               // added to the agent's niceness, -20 to 19
	Env    map[string]string // set before the agent runs a fragment
	Params map[string]string // the other keys, as written: port, user, identity, timeout, ...

	through nearSide // the gateway that Via names; set by Group
}

// ParseSpec parses a spec string. What is wrong with it comes back as a
// [*SpecError]; an empty string is an error too.
//
// A spec is a kind with its address, and then keys:
//
//	popen[:PROGRAM[:DIR]]              a child process
//	exec=COMMAND LINE                  whatever a command reaches, on its stdin and stdout
//	ssh:[USER@]HOST[:PROGRAM[:DIR]]    a host behind ssh
//	tcp:HOST[:PORT[:PROGRAM[:DIR]]]    a luagw server; socket: is the same
//	unix:PATH                          a luagw server on a Unix socket
//
// An equals sign may stand for the first colon. An empty part counts as not
// given. DIR is [DefaultDir] for ssh and tcp if not given, and //dir= with an
// empty value is where the far side starts. PORT is [DefaultPort] if not
// given, and then Params has no port. IPv6 addresses stand in brackets. As in
// execnet, ssh=-p 2222 -i key -l user -F config host is understood.
//
// Keys follow as //key=value, each once, in any order. All kinds know
//
//	id, via, dir, agent    see Spec
//	nice                   -20 to 19
//	env:NAME               may be empty
//	keepalive              duration between signs of life, 100ms or more, 0 for none
//	timeout                duration, for each step of opening
//	window                 size of a channel's window, 256K to 1G
//	max_time               duration of a fragment
//	max_memory             size
//	max_running            fragments at a time, 1 or more
//
// and some know more: port, identity, hostkey, known_hosts (ssh, tcp), user
// (ssh, tcp, unix, where it is who must serve the socket), token (tcp; that of an
// agent that listens), ssh_config, ssh_program (ssh), become and become_method
// (ssh, exec, popen), bootstrap (exec; yes or no: whether the command line runs
// a shell that is to start the agent, if its looks are deceptive).
// A duration is written as for [time.ParseDuration], or is a number of
// seconds; a size is a number of bytes, or of KiB, MiB or GiB with K, M or G.
//
// In a value, \/ is a slash and \\ a backslash, so that // can be written /\/.
// A value that begins with a quote ends at its next like: nothing is special
// between single quotes, and \" and \\ are between double quotes. Control
// characters must be quoted, and NUL cannot stand anywhere. PROGRAM, agent and
// COMMAND LINE keep their quotes and backslashes for [Spec.Command], except
// that \/ outside quotes becomes a slash; a colon in PROGRAM must be quoted.
func ParseSpec(s string) (*Spec, error) {
	p := specParser{scan: specScanner{rest: s}, spec: &Spec{}, seen: map[string]bool{}}
	if err := p.parse(); err != nil {
		return nil, inSpec(s, err)
	}
	return p.spec, nil
}

// String returns the spec as text from which [ParseSpec] makes an equal one,
// if s is valid: every key is written out, in a fixed order. It contains the
// values of Env.
func (s *Spec) String() string {
	var b strings.Builder
	b.WriteString(s.Kind)
	b.WriteString(s.address())
	put := func(key, value string) { b.WriteString("//" + key + "=" + value) }
	if s.ID != "" {
		put("id", quoteSpecValue(s.ID))
	}
	if s.Via != "" {
		put("via", quoteSpecValue(s.Via))
	}
	if s.Agent != "" {
		put("agent", escapeCommand(s.Agent))
	}
	if s.Dir != defaultDir(s.Kind) {
		put("dir", quoteSpecValue(s.Dir))
	}
	if s.Nice != 0 {
		put("nice", strconv.Itoa(s.Nice))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		put("env:"+name, quoteSpecValue(s.Env[name]))
	}
	for _, key := range slices.Sorted(maps.Keys(s.Params)) {
		put(key, quoteSpecValue(s.Params[key]))
	}
	return b.String()
}

// address returns the target as it stands behind the kind.
func (s *Spec) address() string {
	switch {
	case s.Target == "":
		return ""
	case s.Kind == "exec":
		return "=" + escapeCommand(s.Target)
	case s.Kind == "unix":
		return ":" + quoteSpecValue(s.Target)
	case strings.Contains(s.Target, ":"):
		return ":[" + s.Target + "]"
	}
	return ":" + s.Target
}

// Through is the open gateway that Via names, in a spec that a [Group] gives to
// its Dial; nil where the spec is to be reached straight from here. Clone keeps
// it, and it is no part of String.
func (s *Spec) Through() *Gateway {
	gw, _ := s.through.(*Gateway)
	return gw
}

// Clone returns a copy of s that shares nothing with it but Through.
func (s *Spec) Clone() *Spec {
	c := *s
	c.Env = maps.Clone(s.Env)
	c.Params = maps.Clone(s.Params)
	return &c
}

// Command returns the words of the command line: Target for exec, Agent for
// the other kinds; nil if that is empty. They are split as a POSIX shell
// splits words, with its quotes and backslashes. Nothing is expanded ($HOME, *
// and ~ stay as they are), and no shell runs the command: unquoted operators
// and command substitutions are an error, a [*SpecError].
func (s *Spec) Command() ([]string, error) {
	key, line := "agent", s.Agent
	if s.Kind == "exec" {
		key, line = "exec", s.Target
	}
	if line == "" {
		return nil, nil
	}
	words, err := commandWords(line)
	if err != nil {
		return nil, &SpecError{Spec: s.String(), Key: key, Reason: err.Error()}
	}
	return words, nil
}

// Duration returns the value of a key that holds a duration, such as timeout,
// keepalive or max_time; zero if it is not given. The error is a [*SpecError].
func (s *Spec) Duration(key string) (time.Duration, error) {
	return readParam(s, key, parseSpecDuration)
}

// Size returns the value in bytes of a key that holds a size, such as window
// or max_memory; zero if it is not given. The error is a [*SpecError].
func (s *Spec) Size(key string) (int64, error) {
	return readParam(s, key, parseSpecSize)
}

// Int returns the value of a key that holds a whole number, such as port or
// max_running; zero if it is not given. The error is a [*SpecError].
func (s *Spec) Int(key string) (int, error) {
	return readParam(s, key, parseSpecInt)
}

func readParam[T any](s *Spec, key string, parse func(string) (T, error)) (T, error) {
	var zero T
	text, ok := s.Params[key]
	if !ok {
		return zero, nil
	}
	value, err := parse(text)
	if err != nil {
		return zero, &SpecError{Spec: s.String(), Key: key, Reason: err.Error()}
	}
	return value, nil
}

func defaultDir(kind string) string {
	if kind == "ssh" || kind == "tcp" {
		return DefaultDir
	}
	return ""
}
