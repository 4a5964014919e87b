package ssh

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// login is the authentication on one connection.
type login struct {
	dialer *Dialer
	ctx    context.Context
	host   *host
	clock  *clock
	wire   *wire
	judge  *judge

	ring    *keyring
	keys    []identity // still to be offered
	looked  bool       // the keys were collected
	asked   map[string]int
	tried   []string // and keys that could not be, each with the reason
	untried []string // keys and methods that were not, each with the reason
	refused error    // of the method that was tried last, by this side
	banner  string   // what the server said
}

func (d *Dialer) newLogin(ctx context.Context, w *wire, clock *clock, judge *judge) *login {
	h := judge.host
	return &login{
		dialer: d, ctx: ctx, host: h, wire: w, clock: clock, judge: judge, asked: map[string]int{},
		ring: &keyring{identities: &h.identity, files: &d.keys},
	}
}

// silenced tells why the user is not asked; nil if that can be done.
func (l *login) silenced() error {
	switch {
	case l.dialer.Ask == nil:
		return errNobody
	case l.host.settings.yes("batchmode", false):
		return errBatch
	}
	return nil
}

// unlock asks for a key's passphrase. Neither the user's time nor that of the
// key's own slowness, which is on purpose, is the server's.
func (l *login) unlock(file *keyFile) (gossh.Signer, error) {
	l.clock.pause()
	defer l.clock.resume()
	return file.unlock(func(prompt string) (string, error) {
		return l.dialer.ask(l.ctx, l.clock, Question{Host: l.host.name, Prompt: prompt, Secret: true})
	}, func(key any) { l.keep(file.path, key) })
}

// keep gives the agent a key that was unlocked, as AddKeysToAgent says.
func (l *login) keep(path string, key any) {
	terms := l.host.identity.keep
	if terms == nil {
		return
	}
	defer time.AfterFunc(askTime, l.ring.close).Stop()
	if err := l.ring.agent.keep(*terms, key, path); err != nil {
		l.dialer.notice(fmt.Sprintf("%s is not added to the agent: %v", path, err))
	}
}

// AuthError tells why nobody could log in.
type AuthError struct {
	Host    string   // as the user knows it
	User    string   // on that host; empty for whomever the key is for
	Offers  []string // methods that the server would have accepted
	Tried   []string // what was tried, and keys that could not be, each with the reason
	Untried []string // keys and methods that were not, each with the reason
	Banner  string   // what the server said before; empty if nothing
}

func (e *AuthError) Error() string {
	who := "you"
	if e.User != "" {
		who = strconv.Quote(e.User)
	}
	text := fmt.Sprintf("%s does not let %s in; ", e.Host, who)
	switch {
	case len(e.Tried) > 0:
		text += "tried " + strings.Join(append([]string{strings.Join(e.Tried, ", ")}, e.Untried...), "; ")
	case len(e.Untried) > 0:
		text += strings.Join(e.Untried, "; ")
	default:
		text += "there was no key to try"
	}
	if len(e.Offers) > 0 {
		text += "; it accepts " + strings.Join(e.Offers, ", ")
	}
	if e.Banner != "" {
		text += "; it says: " + e.Banner
	}
	return text
}

// choose is a gossh.ClientAuthCallback: it picks what is tried next. The keys
// are offered one at a time, so that it is known which were.
func (l *login) choose(state *gossh.ClientAuthContext) (gossh.AuthMethod, error) {
	next := l.pick(state.AllowedMethods)
	if _, cut := l.clock.at(); cut != nil { // the last try, or what was asked for the next, has failed for that
		return nil, cut
	}
	if err := l.wire.broken(); err != nil {
		return nil, err
	}
	if next == nil {
		return nil, l.failure(state.AllowedMethods)
	}
	return next, nil
}

// pick returns the next try; nil if nothing is left that the server allows.
func (l *login) pick(allowed []string) gossh.AuthMethod {
	if l.refused != nil {
		l.tried = append(l.tried, l.refused.Error())
		l.refused = nil
	}
	for _, method := range l.host.prefer {
		if !slices.Contains(allowed, method) {
			continue
		}
		if next := l.next(method); next != nil {
			return next
		}
	}
	return nil
}

// next returns a method's next try; nil if there is none.
func (l *login) next(method string) gossh.AuthMethod {
	switch method {
	case "publickey":
		return l.nextKey()
	case "password":
		if l.mayAsk(method) {
			return gossh.PasswordCallback(l.password)
		}
	case "keyboard-interactive":
		if l.mayAsk(method) {
			return gossh.KeyboardInteractive(l.answers)
		}
	}
	return nil
}

func (l *login) nextKey() gossh.AuthMethod {
	if !l.looked {
		l.looked = true
		if l.ring.silenced = l.silenced(); l.ring.silenced == nil {
			l.ring.unlock = l.unlock
		}
		l.keys = l.ring.collect(l.ctx)
		l.tried = append(l.tried, l.ring.skipped...)
	}
	for len(l.keys) > 0 {
		key := l.keys[0]
		l.keys = l.keys[1:]
		signer, err := l.restrict(key.signer)
		if err != nil {
			l.untried = append(l.untried, fmt.Sprintf("%s was not tried: %v", key.name, err))
			continue
		}
		public := signer.PublicKey()
		l.tried = append(l.tried, fmt.Sprintf("%s (%s %s)", key.name, typeName(public), gossh.FingerprintSHA256(plainKey(public))))
		return gossh.PublicKeys(&telling{signer, l, key})
	}
	return nil
}

// restrict makes a key sign only by the algorithms that are wanted.
func (l *login) restrict(signer gossh.Signer) (gossh.MultiAlgorithmSigner, error) {
	public := signer.PublicKey().Type()
	kind := keyTypeOf(public)
	wanted := slices.DeleteFunc(append(algorithmsOf(kind), kind), func(name string) bool {
		if isCertificate(public) {
			name = certificateOf(name)
		}
		return !slices.Contains(l.host.algorithms.publicKeys, name)
	})
	as, ok := signer.(gossh.AlgorithmSigner)
	if !ok || len(wanted) == 0 {
		return nil, fmt.Errorf("keys of the type %s are not used", public)
	}
	return gossh.NewSignerWithAlgorithms(as, slices.Compact(wanted))
}

// telling notes why a key could not sign, which the library keeps to itself.
type telling struct {
	gossh.MultiAlgorithmSigner
	login *login
	key   identity
}

func (t *telling) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*gossh.Signature, error) {
	sign := t.MultiAlgorithmSigner.SignWithAlgorithm
	if t.key.agent {
		sign = t.signByAgent
	}
	signature, err := sign(rand, data, algorithm)
	if err != nil {
		t.login.refused = fmt.Errorf("but %s did not sign: %w", t.key.name, err)
	}
	return signature, err
}

// signByAgent gives an agent the time to ask its user: for a touch, a fingerprint
// or a PIN. That is not the server's.
func (t *telling) signByAgent(rand io.Reader, data []byte, algorithm string) (*gossh.Signature, error) {
	t.login.clock.pause()
	defer t.login.clock.resume()
	timer := time.AfterFunc(askTime, t.login.ring.close)
	signature, err := t.MultiAlgorithmSigner.SignWithAlgorithm(rand, data, algorithm)
	if !timer.Stop() && err != nil {
		err = errUnanswered
	}
	return signature, err
}

// mayAsk says whether a secret may be asked for once more, and notes when it
// may not.
func (l *login) mayAsk(method string) bool {
	tries := l.asked[method]
	l.asked[method]++
	silenced := l.silenced()
	if silenced == nil && l.judge.anybody {
		silenced = errSecret
	}
	switch {
	case silenced != nil && tries == 0:
		l.untried = append(l.untried, fmt.Sprintf("%s was not tried: %v", method, silenced))
	case silenced == nil && tries == l.host.prompts && tries > 0:
		l.tried = append(l.tried, fmt.Sprintf("%s %d times", method, tries))
	}
	return silenced == nil && tries < l.host.prompts
}

// password asks for the user's password on the host.
func (l *login) password() (string, error) {
	prompt := fmt.Sprintf("password of %s on %s", l.host.user, l.host.name)
	if l.asked["password"] > 1 {
		prompt = "that was not it; " + prompt
	}
	answer, err := l.dialer.ask(l.ctx, l.clock, Question{Host: l.host.name, Prompt: prompt, Secret: true})
	return answer, l.decline("password", err)
}

// answers asks what the server wants to know.
func (l *login) answers(name, instruction string, questions []string, echos []bool) (answers []string, err error) {
	intro := printable(strings.TrimSpace(name + "\n" + instruction))
	for i, question := range questions {
		prompt := fmt.Sprintf("%s asks %s: %s", l.host.name, l.host.user, printable(question))
		if i == 0 && intro != "" {
			prompt = intro + "\n" + prompt
		}
		answer, err := l.dialer.ask(l.ctx, l.clock, Question{Host: l.host.name, Prompt: prompt, Secret: !echos[i]})
		if err != nil {
			return nil, l.decline("keyboard-interactive", err)
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// decline notes that a question was not answered, after which it is not asked
// again.
func (l *login) decline(method string, err error) error {
	if err != nil {
		l.refused = fmt.Errorf("not %s: %w", method, err)
		l.asked[method] = l.host.prompts + 1
	}
	return err
}

// hear keeps what the server says before or while it lets one in.
func (l *login) hear(text string) error {
	if len(l.banner) < 1<<10 {
		l.banner = printable(l.banner + "\n" + text)
	}
	return nil
}

func (l *login) failure(offers []string) error {
	return &AuthError{Host: l.host.String(), User: l.host.user, Offers: offers, Tried: l.tried, Untried: l.untried, Banner: l.banner}
}

// refusal makes an AuthError of a server's goodbye, which comes for instance
// after too many tries.
func (l *login) refusal(err error) error {
	l.tried = append(l.tried, "and then: "+strings.TrimPrefix(plainError(err).Error(), "ssh: "))
	return l.failure(nil)
}
