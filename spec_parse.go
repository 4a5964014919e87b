package luagw

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// specParser fills spec from what scan reads.
type specParser struct {
	scan specScanner
	spec *Spec
	seen map[string]bool // keys set so far, by name or by position
}

func (p *specParser) parse() error {
	if strings.TrimSpace(p.scan.rest) == "" {
		return specFault("", "empty spec")
	}
	if strings.Contains(p.scan.rest, "\x00") {
		return specFault("", "it contains a NUL byte")
	}
	if err := p.kind(); err != nil {
		return err
	}
	if p.scan.skip(":") || p.scan.skip("=") {
		if err := p.address(); err != nil {
			return err
		}
	}
	for p.scan.skip("//") {
		if err := p.key(); err != nil {
			return err
		}
	}
	if !p.seen["dir"] {
		p.spec.Dir = defaultDir(p.spec.Kind)
	}
	return p.spec.check()
}

func (p *specParser) kind() error {
	kind := p.scan.until(":=")
	if kind == "socket" { // execnet's name for it
		kind = "tcp"
	}
	p.spec.Kind = kind
	err := checkKind(kind)
	if fault, ok := err.(*SpecError); ok && !p.scan.skip(":") && !p.scan.skip("=") {
		fault.Reason += sshHint(kind)
	}
	return err
}

// sshHint is for who writes a host's name where the kind stands.
func sshHint(word string) string {
	if nearestKind(word) != "" || checkHost(word[strings.LastIndexByte(word, '@')+1:]) != nil {
		return ""
	}
	return fmt.Sprintf("; a host behind ssh is %q", "ssh:"+word)
}

func (p *specParser) address() (err error) {
	switch p.spec.Kind {
	case "exec":
		p.spec.Target, err = p.scan.command("")
		return inKey("exec", err)
	case "unix":
		p.spec.Target, err = p.scan.value("")
		return inKey("path", err)
	case "popen":
		return p.program()
	}
	if strings.HasPrefix(p.scan.rest, "-") && p.spec.Kind == "ssh" {
		return p.sshOptions()
	}
	return p.hostPortProgram()
}

func (p *specParser) hostPortProgram() error {
	if err := p.refuseBareIPv6(); err != nil {
		return err
	}
	host, err := p.scan.value(":")
	if err != nil {
		return inKey("host", err)
	}
	if err := p.setHost(host); err != nil {
		return err
	}
	if p.spec.Kind == "tcp" && p.scan.skip(":") {
		port, err := p.scan.value(":")
		if err := p.setPart("port", port, err); err != nil {
			return err
		}
	}
	if !p.scan.skip(":") {
		return nil
	}
	return p.program()
}

// refuseBareIPv6 keeps ssh:fe80::1 from being read as host fe80, directory 1.
func (p *specParser) refuseBareIPv6() error {
	ahead := p.scan
	text := ahead.until("")
	text = text[strings.LastIndexByte(text, '@')+1:]
	if addr, err := netip.ParseAddr(text); err == nil && addr.Is6() {
		return specFault("host", "an IPv6 address stands in brackets: [%s]", text)
	}
	return nil
}

// setHost takes [USER@]HOST.
func (p *specParser) setHost(text string) error {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		if err := p.set("user", text[:at]); err != nil {
			return err
		}
		text = text[at+1:]
	}
	p.spec.Target = text
	inner, bracketed := strings.CutPrefix(text, "[")
	if !bracketed {
		return nil
	}
	inner, closed := strings.CutSuffix(inner, "]")
	if !closed || !strings.Contains(inner, ":") {
		return specFault("host", "%q is not an IPv6 address in brackets", text)
	}
	p.spec.Target = inner
	return nil
}

// sshFlags are the options of ssh that execnet's users write in front of the
// host, and the keys that they stand for.
var sshFlags = map[string]string{"-p": "port", "-i": "identity", "-l": "user", "-F": "ssh_config"}

func (p *specParser) sshOptions() error {
	line, err := p.scan.command("")
	if err != nil {
		return inKey("ssh", err)
	}
	words, err := splitCommand(line)
	if err != nil {
		return inKey("ssh", err)
	}
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		if words, err = p.sshOption(words); err != nil {
			return err
		}
	}
	if len(words) != 1 {
		return specFault("host", "want one host behind the options, got %q", words)
	}
	return p.setHost(words[0])
}

// sshOption takes the first option off words, with its value.
func (p *specParser) sshOption(words []string) ([]string, error) {
	flag, value := words[0][:min(2, len(words[0]))], words[0][min(2, len(words[0])):]
	words = words[1:]
	key, ok := sshFlags[flag]
	if !ok {
		return nil, specFault("ssh", "option %q is none of -p, -i, -l and -F; set it in a file and name that with ssh_config", flag)
	}
	if value == "" && len(words) > 0 {
		value, words = words[0], words[1:]
	}
	return words, p.set(key, value)
}

// program takes [PROGRAM][:DIR]. DIR is last, so that it may contain colons.
func (p *specParser) program() error {
	agent, err := p.scan.command(":")
	if err := p.setPart("agent", agent, err); err != nil {
		return err
	}
	if !p.scan.skip(":") {
		return nil
	}
	dir, err := p.scan.value("")
	return p.setPart("dir", dir, err)
}

// setPart sets a key by its position, unless the part is empty.
func (p *specParser) setPart(key, value string, err error) error {
	if err != nil {
		return inKey(key, err)
	}
	if value == "" {
		return nil
	}
	return p.set(key, value)
}

// key takes key=value.
func (p *specParser) key() error {
	key := p.scan.until("=")
	if key == "" {
		return specFault("", "no key behind %q", "//")
	}
	if err := checkKey(p.spec.Kind, key); err != nil {
		return err
	}
	if !p.scan.skip("=") {
		return specFault(key, "no value; write %s=VALUE", key)
	}
	read := p.scan.value
	if key == "agent" {
		read = p.scan.command
	}
	value, err := read("")
	if err != nil {
		return inKey(key, err)
	}
	return p.set(key, value)
}

// set stores the value of a key that the kind knows.
func (p *specParser) set(key, value string) error {
	if p.seen[key] {
		return specFault(key, "given twice, now as %q", value)
	}
	p.seen[key] = true
	if value == "" && !mayBeEmpty(key) {
		return specFault(key, "empty value")
	}
	switch key {
	case "id":
		p.spec.ID = value
	case "via":
		p.spec.Via = value
	case "agent":
		p.spec.Agent = value
	case "dir":
		p.spec.Dir = value
	case "nice":
		return p.setNice(value)
	default:
		p.setEntry(key, value)
	}
	return nil
}

func (p *specParser) setNice(value string) error {
	nice, err := strconv.Atoi(value)
	if err != nil {
		return specFault("nice", "%q is no whole number from -20 to 19", value)
	}
	p.spec.Nice = nice
	return nil
}

// setEntry stores what goes into one of the two maps, which stay nil while
// nothing does, so that specs compare equal.
func (p *specParser) setEntry(key, value string) {
	entries := &p.spec.Params
	if name, ok := strings.CutPrefix(key, "env:"); ok {
		entries, key = &p.spec.Env, name
	}
	if *entries == nil {
		*entries = map[string]string{}
	}
	(*entries)[key] = value
}

// specFault makes a SpecError whose Spec is filled in by inSpec.
func specFault(key, format string, args ...any) error {
	return &SpecError{Key: key, Reason: fmt.Sprintf(format, args...)}
}

func inSpec(s string, err error) error {
	var fault *SpecError
	if errors.As(err, &fault) {
		fault.Spec = s
	}
	return err
}

// inKey says in which key or part a scanner stumbled.
func inKey(key string, err error) error {
	if err == nil {
		return nil
	}
	return specFault(key, "%v", err)
}
