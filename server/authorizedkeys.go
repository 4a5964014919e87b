package server

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/luagw/luagw/internal/allow"
	"golang.org/x/crypto/ssh"
)

const (
	// maxKeysFile bounds a file of keys: it is read before anybody has logged in.
	maxKeysFile = 1 << 20

	// minRSABits is the least that an RSA key may have.
	minRSABits = 2048
)

// keyEntry is one line of a file of authorized keys.
type keyEntry struct {
	line       int
	key        ssh.PublicKey
	comment    string
	authority  bool      // the key signs certificates, and logs nobody in itself
	principals []string  // one of which a certificate must name; its login if none
	from       addresses // from where it may be used; anywhere if nil
	expires    time.Time // never if zero
	user       string    // whom the agent runs as
	allow      string    // what its fragments may do; all if empty
}

// keysFile is a file of authorized keys. It is read again when it has changed.
// Its methods may be called concurrently.
type keysFile struct {
	path        string
	authorities bool                             // all keys are authorities', and have no options
	log         func(format string, args ...any) // is told of lines that are refused, once each time the file is read

	mu      sync.Mutex // guards the following
	read    os.FileInfo
	entries []keyEntry
}

// keys returns the lines that are in force.
func (f *keysFile) keys() ([]keyEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, err
	}
	if f.read != nil && os.SameFile(info, f.read) && info.ModTime().Equal(f.read.ModTime()) && info.Size() == f.read.Size() {
		return f.entries, nil
	}
	data, err := readTrusted(f.path, maxKeysFile, sharedMode)
	if err != nil {
		return nil, err
	}
	f.read, f.entries = info, nil
	for i, line := range strings.Split(string(data), "\n") {
		entry, err := parseKeyLine(line)
		if err == nil && entry != nil && f.authorities && entry.narrowed() {
			err = errAuthorityOptions
		}
		if err != nil {
			f.log("%s:%d: refused: %v", f.path, i+1, err)
			continue
		}
		if entry != nil {
			entry.line = i + 1
			f.entries = append(f.entries, *entry)
		}
	}
	return f.entries, nil
}

// parseKeyLine reads one line; nil if it is empty or a comment.
func parseKeyLine(line string) (*keyEntry, error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return nil, nil
	}
	key, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, errors.New("it has no public key that can be read")
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	entry := &keyEntry{key: key, comment: comment}
	seen := map[string]bool{}
	for _, option := range options {
		if err := entry.set(option, seen); err != nil {
			return nil, err
		}
	}
	if entry.principals != nil && !entry.authority {
		return nil, errors.New("principals= stands without cert-authority")
	}
	return entry, nil
}

// errAuthorityOptions refuses a line: nobody looks at such options there.
var errAuthorityOptions = errors.New("an authority here takes no options; a cert-authority line in the file of authorized keys does")

// narrowed says whether the line has options about what the key is good for.
func (e *keyEntry) narrowed() bool {
	return e.principals != nil || e.from != nil || !e.expires.IsZero() || e.user != "" || e.allow != ""
}

// checkKey refuses keys that protect nothing any more.
func checkKey(key ssh.PublicKey) error {
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key
	}
	switch key.Type() {
	case ssh.InsecureKeyAlgoDSA:
		return errors.New("DSA keys are not safe")
	case ssh.KeyAlgoRSA:
		if bits := rsaBits(key); bits < minRSABits {
			return fmt.Errorf("an RSA key of %d bits is not safe; it must have %d", bits, minRSABits)
		}
	}
	return nil
}

// rsaBits reads the length of an RSA key from its encoding: type, exponent,
// modulus.
func rsaBits(key ssh.PublicKey) int {
	var wire struct {
		Type string
		E, N []byte
	}
	if err := ssh.Unmarshal(key.Marshal(), &wire); err != nil {
		return 0
	}
	return 8 * len(bytes.TrimLeft(wire.N, "\x00"))
}

// narrowing are options of OpenSSH which take away what is never given here.
var narrowing = []string{
	"restrict", "no-pty", "no-port-forwarding", "no-agent-forwarding", "no-x11-forwarding", "no-user-rc",
}

// set takes one option. One that is not known refuses the line: it may have
// been meant to narrow what the key can do.
func (e *keyEntry) set(option string, seen map[string]bool) error {
	name, quoted, hasValue := strings.Cut(option, "=")
	name = strings.ToLower(name)
	if seen[name] {
		return fmt.Errorf("option %s stands twice", name)
	}
	seen[name] = true
	if name == "cert-authority" || slices.Contains(narrowing, name) {
		if hasValue {
			return fmt.Errorf("option %s takes no value", name)
		}
		e.authority = e.authority || name == "cert-authority"
		return nil
	}
	value, err := unquoteOption(quoted)
	if err == nil {
		err = e.setValue(name, value)
	}
	if err != nil {
		return fmt.Errorf("option %s: %w", name, err)
	}
	return nil
}

func (e *keyEntry) setValue(name, value string) (err error) {
	switch name {
	case "from":
		e.from, err = parseAddresses(value)
	case "expiry-time":
		e.expires, err = parseExpiry(value)
	case "principals":
		e.principals = strings.Split(value, ",")
	case "luagw-user":
		e.user = value
	case "luagw-allow":
		_, err = allow.Parse(value)
		e.allow = value
	default:
		err = errors.New("it is not known here")
	}
	return err
}

// unquoteOption reads the value of an option: "..." in which \" is a quote.
func unquoteOption(quoted string) (string, error) {
	if len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' {
		return "", errors.New(`its value must stand in quotes, as ="..."`)
	}
	value := strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	if value == "" {
		return "", errors.New("its value is empty")
	}
	return value, nil
}

// parseExpiry reads YYYYMMDD[HHMM[SS]], in the local time zone or, with a Z, in
// UTC.
func parseExpiry(value string) (time.Time, error) {
	digits, utc := strings.CutSuffix(value, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	layout, ok := map[int]string{8: "20060102", 12: "200601021504", 14: "20060102150405"}[len(digits)]
	if !ok {
		return time.Time{}, fmt.Errorf("%q is no time; write YYYYMMDD[HHMM[SS]][Z]", value)
	}
	t, err := time.ParseInLocation(layout, digits, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time; write YYYYMMDD[HHMM[SS]][Z]", value)
	}
	return t, nil
}

// usable says why an entry cannot be used now and from there; nil if it can.
func (e *keyEntry) usable(now time.Time, from netip.Addr) error {
	if !e.expires.IsZero() && !now.Before(e.expires) {
		return fmt.Errorf("the key expired at %s", e.expires.Format(time.RFC3339))
	}
	if e.from != nil && !e.from.match(from) {
		return fmt.Errorf("the key may not be used from %v", from)
	}
	return nil
}
