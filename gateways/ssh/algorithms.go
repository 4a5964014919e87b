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
	hostKeys                 []string // empty where the configuration leaves the choice to us
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
	h.algorithms.publicKeys = pick(keyword, safe.PublicKeyAuths, unsafe.PublicKeyAuths)
	if h.settings.one("hostkeyalgorithms") != "" {
		h.algorithms.hostKeys = pick("hostkeyalgorithms", safe.HostKeys, unsafe.HostKeys)
	}
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

// certificateOf names the algorithm of a host certificate by that of its key.
func certificateOf(algorithm string) string { return algorithm + "-cert-v01@openssh.com" }

// algorithmsOf are those by which a key of a type signs, the best first.
func algorithmsOf(keyType string) []string {
	if keyType == gossh.KeyAlgoRSA {
		return []string{gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256}
	}
	return []string{keyType}
}

// hostKeyAlgorithms is what is asked of a server for its host key: those come
// first of which a key is known, because a server shows only one, and a key of
// another type would be an unknown one.
func (h *host) hostKeyAlgorithms(known []knownKey) []string {
	if h.algorithms.hostKeys != nil {
		return h.algorithms.hostKeys
	}
	var first []string
	usual := plainHostKeys()
	for _, k := range known {
		if k.authority {
			for _, name := range usual {
				first = append(first, certificateOf(name))
			}
		}
	}
	for _, k := range known {
		if !k.authority && !k.revoked {
			first = append(first, algorithmsOf(k.key.Type())...)
		}
	}
	var list []string
	for _, name := range append(first, usual...) {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// plainHostKeys are the algorithms of keys without a certificate, in OpenSSH's
// order of preference, so that both find the same key of a new host.
func plainHostKeys() []string {
	return []string{
		gossh.KeyAlgoED25519, gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521,
		gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256,
	}
}
