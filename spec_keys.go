package luagw

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/luagw/luagw/internal/nearest"
)

var specKinds = []string{"popen", "exec", "ssh", "tcp", "unix"}

// specFields are the keys that have a field of Spec, besides env:NAME.
var specFields = []string{"id", "via", "dir", "nice", "agent"}

// specParam is a key whose value goes into Params.
type specParam struct {
	name  string
	kinds string // the kinds that know it; all if empty
	check func(value string) error
}

var specParams = []specParam{
	{"keepalive", "", checkKeepalive},
	{"timeout", "", durationFrom(1)},
	{"window", "", sizeWithin(256<<10, 1<<30)}, // yamux never has less
	{"max_time", "", durationFrom(1)},
	{"max_memory", "", sizeWithin(1, math.MaxInt64)},
	{"max_running", "", intWithin(1, math.MaxInt32)},
	{"port", "ssh tcp", intWithin(1, math.MaxUint16)},
	{"user", "ssh tcp unix", checkUser},
	{"token", "tcp", checkToken},
	{"identity", "ssh tcp", checkText},
	{"hostkey", "ssh tcp", checkHostKey},
	{"known_hosts", "ssh tcp", checkText},
	{"ssh_config", "ssh", checkText},
	{"ssh_program", "ssh", checkText},
	{"become", "ssh exec popen", checkUser},
	{"become_method", "ssh exec popen", oneOf("sudo, su or doas")},
	{"bootstrap", "exec", oneOf("yes or no")},
}

// keyHints are keys that are spelt right but are not ours, two of them
// execnet's, and what to write instead.
var keyHints = map[string]string{"chdir": "dir", "python": "agent", "env": "env:NAME"}

func (p specParam) knownTo(kind string) bool {
	return p.kinds == "" || slices.Contains(strings.Fields(p.kinds), kind)
}

func findParam(name string) (specParam, bool) {
	i := slices.IndexFunc(specParams, func(p specParam) bool { return p.name == name })
	if i < 0 {
		return specParam{}, false
	}
	return specParams[i], true
}

// mayBeEmpty reports whether an empty value of key means something.
func mayBeEmpty(key string) bool {
	return key == "dir" || strings.HasPrefix(key, "env:")
}

func checkKind(kind string) error {
	if slices.Contains(specKinds, kind) {
		return nil
	}
	fault := fmt.Sprintf("%q is unknown, want popen, exec, ssh, tcp or unix", kind)
	if near := nearestKind(kind); near != "" {
		fault += fmt.Sprintf("; did you mean %q?", near)
	}
	return specFault("kind", "%s", fault)
}

func nearestKind(kind string) string {
	return nearest.Word(kind, append([]string{"socket"}, specKinds...))
}

// checkKey refuses a key that kind does not know.
func checkKey(kind, key string) error {
	if slices.Contains(specFields, key) {
		return nil
	}
	if name, ok := strings.CutPrefix(key, "env:"); ok {
		return checkEnvName(name)
	}
	return checkParamKey(kind, key)
}

func checkParamKey(kind, key string) error {
	param, ok := findParam(key)
	if ok && param.knownTo(kind) {
		return nil
	}
	if ok {
		return specFault(key, "%s has no such key; it is for %s", kind, strings.ReplaceAll(param.kinds, " ", ", "))
	}
	if near := nearestKey(kind, key); near != "" {
		return specFault(key, "unknown key; did you mean %q?", near)
	}
	return specFault(key, `unknown key; if it is part of the value before it, quote that or write /\/ for //`)
}

func nearestKey(kind, key string) string {
	if hint, ok := keyHints[key]; ok {
		return hint
	}
	known := slices.Clone(specFields)
	for _, p := range specParams {
		if p.knownTo(kind) {
			known = append(known, p.name)
		}
	}
	return nearest.Word(key, known)
}

// check tells what is wrong with s, as a SpecError that lacks the spec's text.
func (s *Spec) check() error {
	if err := checkKind(s.Kind); err != nil {
		return err
	}
	if err := s.checkTarget(); err != nil {
		return err
	}
	if err := s.checkNames(); err != nil {
		return err
	}
	if s.Agent != "" {
		if _, err := commandWords(s.Agent); err != nil {
			return inKey("agent", err)
		}
	}
	if strings.Contains(s.Dir, "\x00") {
		return specFault("dir", "it contains a NUL byte")
	}
	if s.Nice < -20 || s.Nice > 19 {
		return specFault("nice", "%q is not from -20 to 19", strconv.Itoa(s.Nice))
	}
	if err := s.checkEnv(); err != nil {
		return err
	}
	return s.checkParams()
}

func (s *Spec) checkTarget() error {
	switch s.Kind {
	case "popen":
		if s.Target != "" {
			return specFault("target", "popen has none, got %q", s.Target)
		}
		return nil
	case "exec":
		_, err := commandWords(s.Target)
		return inKey("exec", err)
	case "unix":
		return inKey("path", checkText(s.Target))
	}
	return inKey("host", checkHost(s.Target))
}

func (s *Spec) checkNames() error {
	if s.ID != "" && !isName(s.ID) {
		return specFault("id", "%q has white space or characters that cannot be printed", s.ID)
	}
	if s.Via != "" && !isName(s.Via) {
		return specFault("via", "%q has white space or characters that cannot be printed", s.Via)
	}
	if s.ID != "" && s.ID == s.Via {
		return specFault("via", "%q cannot go through itself", s.Via)
	}
	return nil
}

func (s *Spec) checkEnv() error {
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		if err := checkEnvName(name); err != nil {
			return err
		}
		if strings.Contains(s.Env[name], "\x00") {
			return specFault("env:"+name, "it contains a NUL byte")
		}
	}
	return nil
}

func (s *Spec) checkParams() error {
	for _, key := range slices.Sorted(maps.Keys(s.Params)) {
		if err := checkParamKey(s.Kind, key); err != nil {
			return err
		}
		param, _ := findParam(key)
		if err := param.check(s.Params[key]); err != nil {
			return inKey(key, err)
		}
	}
	return nil
}

func checkEnvName(name string) error {
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return specFault("env:"+name, "%q is no name of a variable", name)
		}
	}
	if name == "" {
		return specFault("env:", "no name; write env:NAME=VALUE")
	}
	return nil
}

// isName keeps ids fit for the front of a printed line.
func isName(id string) bool {
	if !utf8.ValidString(id) {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
}

// checkHost is strict because hosts end up in the arguments of ssh and in the
// proxy commands of its configuration, which a shell runs.
func checkHost(host string) error {
	if host == "" {
		return errors.New("empty")
	}
	if strings.Contains(host, ":") {
		if addr, err := netip.ParseAddr(host); err != nil || !isZone(addr.Zone()) {
			return fmt.Errorf("%q is no IPv6 address", host)
		}
		return nil
	}
	if !isHostWord(host) || strings.HasPrefix(host, "-") {
		return fmt.Errorf("%q is no name of a host", host)
	}
	return nil
}

func isZone(zone string) bool { return zone == "" || isHostWord(zone) }

func isHostWord(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-+", r)
	})
}

// checkUser keeps a user from being taken for an option or for two words.
func checkUser(user string) error {
	if !isName(user) || strings.HasPrefix(user, "-") || user == "" {
		return fmt.Errorf("%q is no name of a user", user)
	}
	return nil
}

func checkText(value string) error {
	if value == "" {
		return errors.New("empty value")
	}
	if hasControl(value) {
		return fmt.Errorf("control character in %q", value)
	}
	return nil
}

func checkHostKey(value string) error {
	if value == "accept-new" || value == "yes" || strings.HasPrefix(value, "SHA256:") {
		return checkText(value)
	}
	return fmt.Errorf("%q is not accept-new, yes or a fingerprint SHA256:...", value)
}

// tokenSize is how many hexadecimal digits a token has.
const tokenSize = 64

// checkToken does not quote the token: it is a secret.
func checkToken(value string) error {
	if len(value) != tokenSize || strings.Trim(value, "0123456789abcdef") != "" {
		return fmt.Errorf("it must be %d hexadecimal digits, as the listening agent told", tokenSize)
	}
	return nil
}

// oneOf takes the words of a list such as "sudo, su or doas".
func oneOf(list string) func(string) error {
	return func(value string) error {
		if slices.Contains(strings.Split(strings.Replace(list, " or ", ", ", 1), ", "), value) {
			return nil
		}
		return fmt.Errorf("%q is not %s", value, list)
	}
}

// checkKeepalive refuses intervals that would keep both sides busy.
func checkKeepalive(value string) error {
	d, err := parseSpecDuration(value)
	if err == nil && d > 0 && d < 100*time.Millisecond {
		return fmt.Errorf("%q is shorter than 100ms; 0 turns it off", value)
	}
	return err
}

func durationFrom(least time.Duration) func(string) error {
	return func(value string) error {
		d, err := parseSpecDuration(value)
		if err == nil && d < least {
			return fmt.Errorf("%q is too short", value)
		}
		return err
	}
}

func sizeWithin(least, most int64) func(string) error {
	return func(value string) error {
		n, err := parseSpecSize(value)
		if err == nil && (n < least || n > most) {
			return fmt.Errorf("%q is not from %d to %d bytes", value, least, most)
		}
		return err
	}
}

func intWithin(least, most int) func(string) error {
	return func(value string) error {
		n, err := parseSpecInt(value)
		if err != nil || n < least || n > most {
			return fmt.Errorf("%q is no whole number from %d to %d", value, least, most)
		}
		return nil
	}
}

func parseSpecInt(value string) (int, error) {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is no whole number", value)
	}
	return int(n), nil
}

func parseSpecDuration(value string) (time.Duration, error) {
	text := value
	if strings.Trim(value, "0123456789.") == "" {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration; write for instance 1m30s, or seconds", value)
	}
	return d, nil
}

func parseSpecSize(value string) (int64, error) {
	digits := strings.TrimRight(value, "KMGkmg")
	shift, ok := map[string]int{"": 0, "K": 10, "M": 20, "G": 30}[strings.ToUpper(value[len(digits):])]
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || !ok || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is no size; write a number of bytes, or for instance 512K or 4M", value)
	}
	return int64(n) << shift, nil
}
