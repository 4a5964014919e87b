package ssh

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	gossh "golang.org/x/crypto/ssh"
)

// HostKeyError tells why a host's key was not taken. Nothing was said to the
// host of who wants to log in.
type HostKeyError struct {
	Host        string // as the user knows it
	Problem     HostKeyProblem
	KeyType     string // of the key that it showed, for instance "ED25519"
	Fingerprint string // of that key, as ssh-keygen -l prints it
	Line        string // for a known_hosts file, if the key is to be taken from now on
	AddTo       string // the file that Line belongs into; empty if there is none
	Known       string // file:line of what is known or revoked; empty if nothing is
	Reason      string // more words, of a certificate or of what was expected

	// Others are further keys that it showed when it was asked for the pinned
	// one, each as "the RSA key SHA256:...".
	Others []string

	key gossh.PublicKey // that it showed
}

// shown names the keys that were shown.
func (e *HostKeyError) shown() string {
	text := fmt.Sprintf("the %s key %s", e.KeyType, e.Fingerprint)
	if len(e.Others) == 0 {
		return text
	}
	last := len(e.Others) - 1
	return strings.Join(append([]string{text}, e.Others[:last]...), ", ") + " and " + e.Others[last]
}

// HostKeyProblem is what is wrong with a host's key.
type HostKeyProblem string

// The problems of host keys.
const (
	HostKeyUnknown     HostKeyProblem = "unknown"     // nothing is known of the host
	HostKeyChanged     HostKeyProblem = "changed"     // another key is known, or was asked for
	HostKeyRevoked     HostKeyProblem = "revoked"     // it is marked as no longer valid
	HostKeyCertificate HostKeyProblem = "certificate" // a certificate that is not good for the host
)

func (e *HostKeyError) Error() string {
	shows := e.Host + " shows " + e.shown()
	switch e.Problem {
	case HostKeyRevoked:
		return fmt.Sprintf("%s, which %s says is revoked", shows, e.Known)
	case HostKeyCertificate:
		return fmt.Sprintf("%s with a certificate that is not valid for it: %s", shows, e.Reason)
	case HostKeyChanged:
		return fmt.Sprintf("%s, but %s: the host was set up anew, or somebody is in between", shows, e.Reason)
	}
	if e.AddTo == "" {
		return shows + ", which is not known, and no file of known hosts is set"
	}
	return fmt.Sprintf("%s, which is not known; if it is the right one, add this line to %s, or use hostkey=accept-new once: %s", shows, e.AddTo, e.Line)
}

// trust is what decides on a host's key.
type trust struct {
	names     []string // by which the host is known; see hostKeyNames
	files     []string
	revoked   string // a file of keys that are not taken; empty for none
	addTo     string // the file for new keys; empty if there is none
	pinned    string // fingerprint of the only key that is taken; empty if there is none
	hash      bool   // names of new hosts are hashed
	acceptNew bool   // an unknown key is taken and written down
	acceptAny bool   // even a changed one is taken
	loopback  bool   // any is taken from this machine
}

// judge is trust with the files read, for one connection.
type judge struct {
	*trust
	host    *host
	known   []knownKey
	note    func(string)
	write   *sync.Mutex // held while a file of known hosts is written
	anybody bool        // a key that has changed was taken, so that the host may be anybody
}

// check decides on a key. It is a gossh.HostKeyCallback.
func (j *judge) check(_ string, remote net.Addr, key gossh.PublicKey) error {
	cert, _ := key.(*gossh.Certificate)
	plain := key
	if cert != nil {
		plain = cert.Key
	}
	if k := j.find(func(k *knownKey) bool {
		return k.revoked && (same(k.key, plain) || cert != nil && same(k.key, cert.SignatureKey))
	}); k != nil {
		return j.problem(plain, HostKeyRevoked, k, "")
	}
	if j.pinned != "" {
		return j.checkPinned(plain)
	}
	if j.loopback && isLoopback(remote) {
		return nil
	}
	if cert != nil {
		if k := j.find(func(k *knownKey) bool { return k.authority && same(k.key, cert.SignatureKey) }); k != nil {
			return j.checkCertificate(cert)
		}
	}
	return j.checkPlain(plain)
}

func (j *judge) find(is func(*knownKey) bool) *knownKey {
	if i := slices.IndexFunc(j.known, func(k knownKey) bool { return is(&k) }); i >= 0 {
		return &j.known[i]
	}
	return nil
}

func (j *judge) checkPinned(key gossh.PublicKey) error {
	if gossh.FingerprintSHA256(key) == j.pinned {
		return nil
	}
	return j.problem(key, HostKeyChanged, nil, "hostkey= wants "+j.pinned)
}

// checkCertificate checks a certificate whose authority is known. One that names
// no hosts is for all of them, as ssh-keygen makes it where nothing else is said.
func (j *judge) checkCertificate(cert *gossh.Certificate) error {
	name := j.names[len(j.names)-1] // the one without a port
	at := slices.IndexFunc(cert.ValidPrincipals, func(pattern string) bool { return matchPattern(name, strings.ToLower(pattern)) })
	if at >= 0 {
		name = cert.ValidPrincipals[at]
	}
	var reason string
	switch {
	case cert.CertType != gossh.HostCert:
		reason = "it is no certificate of a host"
	case at < 0 && len(cert.ValidPrincipals) > 0:
		reason = fmt.Sprintf("it is for %q", cert.ValidPrincipals)
	case cert.Signature.Format == gossh.KeyAlgoRSA:
		reason = "it is signed by SHA-1, which is not safe"
	default:
		err := (&gossh.CertChecker{}).CheckCert(name, cert)
		if err == nil {
			return nil
		}
		reason = strings.TrimPrefix(err.Error(), "ssh: ")
	}
	return j.problem(cert.Key, HostKeyCertificate, nil, reason)
}

// checkPlain looks for the key itself. What stands under the name without the
// port is good for saying yes, and tells nothing otherwise: another server may
// listen at another port.
func (j *judge) checkPlain(key gossh.PublicKey) error {
	isPlain := func(k *knownKey) bool { return !k.revoked && !k.authority }
	if j.find(func(k *knownKey) bool { return isPlain(k) && same(k.key, key) }) != nil {
		return nil
	}
	other := j.find(func(k *knownKey) bool { return isPlain(k) && !k.fallback && k.key.Type() == key.Type() })
	if other == nil {
		other = j.find(func(k *knownKey) bool { return isPlain(k) && !k.fallback })
	}
	switch {
	case j.acceptAny && other != nil:
		j.anybody = true
		j.note(j.problem(key, HostKeyChanged, other, "").Error() + "; it is taken because StrictHostKeyChecking is off")
		return nil
	case other != nil:
		return j.problem(key, HostKeyChanged, other, "")
	case j.acceptNew:
		j.add(key)
		return nil
	}
	return j.problem(key, HostKeyUnknown, nil, "")
}

// add writes a new key down. A file that cannot be written is no reason not to
// go on, but it has to be said.
func (j *judge) add(key gossh.PublicKey) {
	if j.addTo == "" {
		return
	}
	j.write.Lock()
	defer j.write.Unlock()
	known, err := readKnown([]string{j.addTo}, j.names[:1])
	if slices.ContainsFunc(known, func(k knownKey) bool { return same(k.key, key) }) {
		return // a gateway that was opened at the same time has done it
	}
	if err == nil {
		err = appendKnown(j.addTo, knownLine(j.names[0], key, j.hash))
	}
	if err != nil {
		j.note(fmt.Sprintf("the host key of %s is taken, but cannot be written down: %v", j.host, err))
	}
}

func (j *judge) problem(key gossh.PublicKey, problem HostKeyProblem, known *knownKey, reason string) *HostKeyError {
	e := &HostKeyError{
		Host: j.host.String(), Problem: problem, Reason: reason,
		KeyType: typeName(key), Fingerprint: gossh.FingerprintSHA256(key),
		Line: knownLine(j.names[0], key, j.hash), AddTo: j.addTo, key: key,
	}
	if known != nil {
		e.Known = known.where()
	}
	if known != nil && reason == "" {
		e.Reason = fmt.Sprintf("%s has the %s key %s", e.Known, typeName(known.key), gossh.FingerprintSHA256(known.key))
	}
	return e
}

func same(a, b gossh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

// typeName is how ssh-keygen -l calls the type of a key.
func typeName(key gossh.PublicKey) string {
	name := strings.TrimSuffix(key.Type(), certificateSuffix)
	name = strings.TrimSuffix(name, "@openssh.com")
	switch {
	case strings.HasPrefix(name, "ecdsa-"):
		return "ECDSA"
	case strings.HasPrefix(name, "sk-ecdsa-"):
		return "ECDSA-SK"
	case strings.HasPrefix(name, "sk-ssh-"):
		return "ED25519-SK"
	}
	return strings.ToUpper(strings.TrimPrefix(name, "ssh-"))
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
