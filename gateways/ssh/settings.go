package ssh

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh/agent"
)

// settings are what ssh_config(5) says for one host: the words behind each
// keyword, which is in lower case. The first line that sets a keyword counts,
// but for those which add up.
type settings map[string][]string

// accumulated are the keywords of which every line counts.
var accumulated = map[string]bool{"identityfile": true, "certificatefile": true}

// keywords are all that ssh_config(5) knows and the native client does not
// need to speak of: it does what they say, or they have no bearing on one
// command without a terminal.
var keywords = wordSet(`
	addkeystoagent addressfamily batchmode bindaddress certificatefile
	challengeresponseauthentication checkhostip ciphers clearallforwardings compression
	connecttimeout controlmaster controlpath controlpersist
	enableescapecommandline enablesshkeysign escapechar exitonforwardfailure fingerprinthash
	forkafterauthentication forwardx11 forwardx11timeout forwardx11trusted gatewayports
	globalknownhostsfile hashknownhosts host hostkeyalgorithms hostkeyalias hostname
	identitiesonly identityagent identityfile ignoreunknown include ipqos
	kbdinteractiveauthentication kbdinteractivedevices kexalgorithms loglevel logverbose macs match
	nohostauthenticationforlocalhost numberofpasswordprompts obscurekeystroketiming
	passwordauthentication permitlocalcommand permitremoteopen port preferredauthentications
	proxycommand proxyjump pubkeyacceptedalgorithms pubkeyacceptedkeytypes
	pubkeyauthentication rekeylimit requesttty revokedhostkeys sendenv serveralivecountmax
	serveraliveinterval sessiontype setenv stdinnull streamlocalbindmask streamlocalbindunlink
	stricthostkeychecking syslogfacility tag tcpkeepalive updatehostkeys user userknownhostsfile
	visualhostkey xauthlocation canonicaldomains canonicalizefallbacklocal canonicalizehostname
	canonicalizemaxdots canonicalizepermittedcnames channeltimeout protocol usekeychain
	useroaming`)

// undone are keywords whose effect somebody may miss, because the native client
// has none of it.
var undone = wordSet(`
	bindinterface casignaturealgorithms connectionattempts dynamicforward forwardagent gssapiauthentication
	gssapiclientidentity gssapidelegatecredentials gssapikexalgorithms gssapikeyexchange
	gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns hostbasedacceptedalgorithms hostbasedauthentication
	knownhostscommand localcommand localforward pkcs11provider proxyusefdpass remotecommand remoteforward
	requiredrsasize securitykeyprovider tunnel tunneldevice verifyhostkeydns`)

func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		set[word] = true
	}
	return set
}

// add takes a line in: the first one of its keyword, or one that adds up.
func (s settings) add(keyword string, words []string) {
	_, ok := s[keyword]
	switch {
	case keyword == "sendenv":
		s.sendEnv(words)
	case accumulated[keyword]:
		s[keyword] = append(s[keyword], words...)
	case !ok && !s.isBeaten(keyword):
		s[keyword] = words
	}
}

// isBeaten says whether a keyword comes too late because of another one: of
// ProxyJump and ProxyCommand the first counts, and none is a first one too. Only
// ProxyJump none leaves room for a command, whatever ssh_config(5) says.
func (s settings) isBeaten(keyword string) bool {
	switch keyword {
	case "proxyjump":
		return s.one("proxycommand") != ""
	case "proxycommand":
		jump := s.one("proxyjump")
		return jump != "" && !strings.EqualFold(jump, "none")
	}
	return false
}

// sendEnv adds patterns for names of variables, and takes those back which
// stand behind a minus sign.
func (s settings) sendEnv(patterns []string) {
	for _, pattern := range patterns {
		back, ok := strings.CutPrefix(pattern, "-")
		if !ok {
			s["sendenv"] = append(s["sendenv"], pattern)
			continue
		}
		s["sendenv"] = slices.DeleteFunc(s["sendenv"], func(name string) bool { return matchPattern(name, back) })
	}
}

// one returns the only word behind a keyword; empty if there is none.
func (s settings) one(keyword string) string {
	if words := s[keyword]; len(words) > 0 {
		return words[0]
	}
	return ""
}

// yes says whether a keyword is set to yes, or what it is where it is not set.
func (s settings) yes(keyword string, unset bool) bool {
	switch strings.ToLower(s.one(keyword)) {
	case "":
		return unset
	case "yes", "true":
		return true
	}
	return false
}

// number returns the whole number behind a keyword.
func (s settings) number(keyword string, unset int) (int, error) {
	word := s.one(keyword)
	if word == "" {
		return unset, nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s %q in the ssh configuration is no number", keyword, word)
	}
	return n, nil
}

// duration returns the time behind a keyword, which is in seconds or as in
// sshd_config(5): 1h30m.
func (s settings) duration(keyword string, unset time.Duration) (time.Duration, error) {
	word := s.one(keyword)
	if word == "" || strings.EqualFold(word, "none") {
		return unset, nil
	}
	return parseTime(keyword, word)
}

// keepTerms are how AddKeysToAgent wants an agent to keep keys; nil for not at
// all, which is also what comes of ask.
func (s settings) keepTerms() (*agent.AddedKey, error) {
	terms, words := new(agent.AddedKey), s["addkeystoagent"]
	if len(words) > 1 && strings.EqualFold(words[0], "confirm") {
		terms.ConfirmBeforeUse, words = true, words[1:]
	}
	word := "no"
	if len(words) > 0 {
		word = words[0]
	}
	switch strings.ToLower(word) {
	case "no", "false", "ask":
		return nil, nil
	case "yes", "true":
		return terms, nil
	case "confirm":
		terms.ConfirmBeforeUse = true
		return terms, nil
	}
	lifetime, err := parseTime("AddKeysToAgent", word)
	terms.LifetimeSecs = uint32(min(lifetime/time.Second, math.MaxUint32))
	return terms, err
}
