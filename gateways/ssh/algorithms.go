package ssh

import (
	"fmt"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"
)

// algorithms are what is offered to a server, each list in the order of
// preference.
type algorithms struct {
	ciphers, macs, exchanges []string
	hostKeys                 []string
	inOrder                  bool     // of hostKeys, the first that a server has is wanted, whichever is known
	publicKeys               []string // with which this side signs
}

// bulkCiphers are in the order of their speed, measured with large transfers on
// a machine with instructions for AES.
var bulkCiphers = []string{
	gossh.CipherAES128GCM, gossh.CipherAES256GCM, gossh.CipherChaCha20Poly1305,
	gossh.CipherAES128CTR, gossh.CipherAES192CTR, gossh.CipherAES256CTR,
}

// setAlgorithms takes the lists of the configuration.
func (h *host) setAlgorithms() (err error) {
	safe, unsafe := gossh.SupportedAlgorithms(), gossh.InsecureAlgorithms()
	pick := func(keyword string, usual, more []string) []string {
		list := h.settings.one(keyword)
		if err != nil || list == "" {
			return usual
		}
		var chosen []string
		if chosen = chooseAlgorithms(list, usual, append(slices.Clone(usual), more...)); len(chosen) == 0 {
			err = fmt.Errorf("%s %q in the ssh configuration has none that the native client can do; ssh_program=ssh may", keyword, list)
		}
		return chosen
	}
	h.algorithms = algorithms{
		ciphers:   pick("ciphers", bulkCiphers, unsafe.Ciphers),
		macs:      pick("macs", safe.MACs, unsafe.MACs),
		exchanges: pick("kexalgorithms", safe.KeyExchanges, unsafe.KeyExchanges),
	}
	keyword := "pubkeyacceptedalgorithms"
	if h.settings.one(keyword) == "" {
		keyword = "pubkeyacceptedkeytypes"
	}
	h.algorithms.publicKeys = pick(keyword, withCertificates(safe.PublicKeyAuths), withCertificates(unsafe.PublicKeyAuths))
	h.algorithms.hostKeys = pick("hostkeyalgorithms", usualHostKeys(), slices.Concat(safe.HostKeys, unsafe.HostKeys))
	list := h.settings.one("hostkeyalgorithms")
	h.algorithms.inOrder = list != "" && !strings.ContainsAny(list[:1], "+-")
	return err
}

// chooseAlgorithms reads a list of ssh_config(5): names with commas between
// them, behind + to add them to the usual ones, - to take them out, or ^ to put
// them in front. What is not among all is left out.
func chooseAlgorithms(list string, usual, all []string) []string {
	verb := list[0]
	if strings.IndexByte("+-^", verb) >= 0 {
		list = list[1:]
	}
	patterns := strings.Split(list, ",")
	if verb == '-' {
		return slices.DeleteFunc(slices.Clone(usual), func(name string) bool { return matchList(name, patterns) })
	}
	var named []string
	for _, pattern := range patterns {
		for _, name := range all {
			if matchPattern(name, pattern) && !slices.Contains(named, name) {
				named = append(named, name)
			}
		}
	}
	rest := slices.DeleteFunc(slices.Clone(usual), func(name string) bool { return slices.Contains(named, name) })
	switch verb {
	case '+':
		return append(rest, named...)
	case '^':
		return append(named, rest...)
	}
	return named
}

// algorithmsOf are those by which a key of a type signs, the best first.
func algorithmsOf(keyType string) []string {
	if keyType == gossh.KeyAlgoRSA {
		return []string{gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256}
	}
	return []string{keyType}
}

// hostKeyAlgorithms is what is asked of a server for its host key: those come
// first of which a key is known, because a server shows only one, and a key of
// another type would be an unknown one. As in OpenSSH, a list in the
// configuration stays as it is, but for one that only adds or takes away.
func (h *host) hostKeyAlgorithms(known []knownKey) []string {
	if h.algorithms.inOrder {
		return h.algorithms.hostKeys
	}
	var first, rest []string
	for _, name := range h.algorithms.hostKeys {
		if slices.ContainsFunc(known, func(k knownKey) bool { return k.shownBy(name) }) {
			first = append(first, name)
		} else if !isCertificate(name) { // whose authority nobody knows, and which says no more than its key
			rest = append(rest, name)
		}
	}
	return append(first, rest...)
}

// shownBy says whether a server that is asked for an algorithm shows the key, or
// what it has signed.
func (k *knownKey) shownBy(algorithm string) bool {
	if k.revoked || k.authority {
		return k.authority && isCertificate(algorithm)
	}
	return keyTypeOf(algorithm) == k.key.Type() && !isCertificate(algorithm)
}

// withCertificates adds the names for certificates to those for their keys.
func withCertificates(names []string) []string {
	all := slices.Clone(names)
	for _, name := range names {
		all = append(all, certificateOf(name))
	}
	return all
}

// certificateOf names the algorithm of a certificate by that of its key.
func certificateOf(name string) string {
	return strings.TrimSuffix(name, "@openssh.com") + certificateSuffix
}

func isCertificate(algorithm string) bool { return strings.HasSuffix(algorithm, certificateSuffix) }

// certificateSuffix makes of the name of a key's algorithm that of a certificate's.
const certificateSuffix = "-cert-v01@openssh.com"

// usualHostKeys are in OpenSSH's order of preference, so that both find the same
// key of a new host.
func usualHostKeys() []string {
	return withCertificates([]string{
		gossh.KeyAlgoED25519, gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521,
		gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256,
	})
}
