package ssh

import (
	"fmt"
	"slices"
	"strings"
)

// yesOrNo are the words for a keyword that is on or off.
const yesOrNo = "yes no true false"

// choices are the words that keywords take, as far as a wrong one would be taken
// for its opposite here. OpenSSH refuses it, too.
var choices = map[string]string{
	"batchmode":                        yesOrNo,
	"challengeresponseauthentication":  yesOrNo,
	"hashknownhosts":                   yesOrNo,
	"identitiesonly":                   yesOrNo,
	"kbdinteractiveauthentication":     yesOrNo,
	"nohostauthenticationforlocalhost": yesOrNo,
	"passwordauthentication":           yesOrNo,
	"pubkeyauthentication":             yesOrNo + " unbound host-bound",
	"stricthostkeychecking":            yesOrNo + " off ask accept-new",
}

// checkChoice refuses a word that a keyword does not take.
func (l *configLine) checkChoice() error {
	list, ok := choices[l.keyword]
	words := strings.Fields(list)
	if !ok || slices.Contains(words, strings.ToLower(l.words[0])) {
		return nil
	}
	return fmt.Errorf("%s: %s %q is none of %s", l.where(), l.spelt, l.words[0], strings.Join(words, ", "))
}
