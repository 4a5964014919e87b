package ssh

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/luagw/luagw"
)

const (
	// stageTime bounds each stage where nothing else is said.
	stageTime = 10 * time.Second

	// aliveInterval and aliveCount make a dead peer noticed after 30 seconds.
	aliveInterval = 10 * time.Second
	aliveCount    = 3

	// maxHops is how many jump hosts there may be, one behind the other.
	maxHops = 8
)

// host is what a spec and the configuration say of one host: of the one that
// is to be reached, or of one on the way there.
type host struct {
	name string // as the user wrote it
	addr string // name or address to connect to
	port int
	user string

	settings settings
	tokens   tokens

	each    time.Duration // bounds each stage
	network string        // tcp, tcp4 or tcp6
	bind    string        // address to connect from

	trust    trust // which host keys are taken
	identity identities
	prefer   []string // methods of authentication, in their order
	prompts  int      // how often a password is asked for

	algorithms algorithms

	alive      time.Duration // between signs of life of a silent peer; 0 for none
	aliveCount int

	jumps   []string // user@host:port, the first that is reached first
	command string   // ProxyCommand
}

// String names the host for a sentence, with all that tells where it is.
func (h *host) String() string {
	if h.addr != h.name {
		return fmt.Sprintf("%s (%s port %d)", h.name, h.addr, h.port)
	}
	return fmt.Sprintf("%s port %d", h.name, h.port)
}

func (h *host) address() string { return net.JoinHostPort(h.addr, strconv.Itoa(h.port)) }

// target resolves what a spec says, with the configuration, to a host.
func (d *Dialer) target(ctx context.Context, spec *luagw.Spec) (*host, error) {
	given, err := d.givenBy(spec)
	if err != nil {
		return nil, err
	}
	file := spec.Params["ssh_config"]
	if spec.Kind == "tcp" {
		file = "none"
	}
	found, err := d.readSettings(ctx, spec.Target, file, given)
	if err != nil {
		return nil, err
	}
	h, err := d.resolve(spec.Target, found)
	if err != nil {
		return nil, err
	}
	if spec.Kind == "tcp" && spec.Params["user"] == "" {
		h.user = "" // a luagw server knows whom a key is for
	}
	if spec.Through() != nil { // the spec has another way than the configuration
		h.jumps, h.command = nil, ""
	}
	timeout, err := spec.Duration("timeout")
	if err != nil {
		return nil, err
	}
	if timeout > 0 {
		h.each = timeout
	}
	if _, ok := spec.Params["keepalive"]; ok {
		if h.alive, err = spec.Duration("keepalive"); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// givenBy returns the keys of a spec as settings. They come before those of the
// configuration.
func (d *Dialer) givenBy(spec *luagw.Spec) (settings, error) {
	given := settings{}
	for param, keyword := range map[string]string{"user": "user", "port": "port", "identity": "identityfile", "known_hosts": "userknownhostsfile"} {
		if value := spec.Params[param]; value != "" {
			given.add(keyword, []string{value})
		}
	}
	if spec.Kind == "tcp" && given.one("port") == "" {
		given.add("port", []string{strconv.Itoa(luagw.DefaultPort)})
	}
	switch key := spec.Params["hostkey"]; {
	case key == "":
	case key == "accept-new" || key == "yes":
		given.add("stricthostkeychecking", []string{key})
	case strings.HasPrefix(key, "SHA256:"):
		given.add(pinnedKey, []string{strings.TrimRight(key, "=")})
	default:
		return nil, &luagw.SpecError{Spec: spec.String(), Key: "hostkey", Reason: fmt.Sprintf("%q is not accept-new, yes or a fingerprint SHA256:...", key)}
	}
	return given, nil
}

// pinnedKey is a keyword of our own: the fingerprint of the only host key that
// is taken.
const pinnedKey = "luagw hostkey"

// hop resolves a jump host, which is written [USER@]HOST[:PORT].
func (d *Dialer) hop(ctx context.Context, text, file string) (*host, error) {
	given := settings{}
	rest := strings.TrimPrefix(text, "ssh://")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		given.add("user", []string{rest[:at]})
		rest = rest[at+1:]
	}
	name, port, err := net.SplitHostPort(rest)
	if err == nil {
		given.add("port", []string{port})
	} else {
		name = strings.Trim(rest, "[]")
	}
	if name == "" || strings.HasPrefix(name, "-") {
		return nil, fmt.Errorf("ProxyJump %q names no host", text)
	}
	found, err := d.readSettings(ctx, name, file, given)
	if err != nil {
		return nil, err
	}
	return d.resolve(name, found)
}

// resolve makes a host of its settings.
func (d *Dialer) resolve(name string, found settings) (*host, error) {
	h := &host{name: name, addr: name, settings: found, network: "tcp", bind: unlessNone(found.one("bindaddress"))}
	var err error
	if h.port, err = found.number("port", 22); err != nil {
		return nil, err
	}
	if h.user = found.one("user"); h.user == "" {
		h.user = localUser()
	}
	if alias := found.one("hostname"); alias != "" {
		if h.addr, err = (tokens{'h': name, 'n': name, '%': "%"}).expand(alias); err != nil {
			return nil, err
		}
	}
	h.tokens = tokensFor(d.home(), name, h.addr, found)
	for _, part := range []func() error{h.setTimes, h.setRoute, h.setAlgorithms, h.setTrust, h.setIdentities, h.setMethods} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *host) setTimes() (err error) {
	if h.each, err = h.settings.duration("connecttimeout", stageTime); err != nil {
		return err
	}
	if h.each == 0 {
		h.each = stageTime
	}
	if h.alive, err = h.settings.duration("serveraliveinterval", aliveInterval); err != nil {
		return err
	}
	if h.alive == 0 { // the default of OpenSSH, which ssh -G spells out
		h.alive = aliveInterval
	}
	if h.aliveCount, err = h.settings.number("serveralivecountmax", aliveCount); err != nil {
		return err
	}
	h.aliveCount = max(h.aliveCount, 1)
	return nil
}

func (h *host) setRoute() error {
	switch family := strings.ToLower(h.settings.one("addressfamily")); family {
	case "inet":
		h.network = "tcp4"
	case "inet6":
		h.network = "tcp6"
	case "", "any":
	default:
		return fmt.Errorf("AddressFamily %q in the ssh configuration is not any, inet or inet6", family)
	}
	jumps, err := h.tokens.expand(unlessNone(h.settings.one("proxyjump")))
	if err != nil {
		return err
	}
	if jumps != "" {
		h.jumps = strings.Split(jumps, ",")
	}
	h.command, err = h.tokens.expand(unlessNone(h.settings.one("proxycommand")))
	return err
}

func unlessNone(value string) string {
	if strings.EqualFold(value, "none") {
		return ""
	}
	return value
}

// setTrust finds where host keys are known, and what to do about unknown ones.
func (h *host) setTrust() error {
	h.trust = trust{
		names: hostKeyNames(h), pinned: h.settings.one(pinnedKey), hash: h.settings.yes("hashknownhosts", false), loopback: h.settings.yes("nohostauthenticationforlocalhost", false),
	}
	switch strict := strings.ToLower(h.settings.one("stricthostkeychecking")); strict {
	case "accept-new":
		h.trust.acceptNew = true
	case "no", "off", "false":
		h.trust.acceptNew, h.trust.acceptAny = true, true
	}
	var err error
	if h.trust.revoked, err = h.tokens.path(unlessNone(h.settings.one("revokedhostkeys"))); err != nil {
		return err
	}
	users := h.settings["userknownhostsfile"]
	if len(users) == 0 {
		users = []string{"~/.ssh/known_hosts", "~/.ssh/known_hosts2"}
	}
	globals := h.settings["globalknownhostsfile"]
	if len(globals) == 0 {
		globals = []string{"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"}
	}
	for i, name := range slices.Concat(users, globals) {
		if name == "none" {
			continue
		}
		path, err := h.tokens.path(name)
		if err != nil {
			return err
		}
		h.trust.files = append(h.trust.files, path)
		if i == 0 {
			h.trust.addTo = path
		}
	}
	return nil
}

// hostKeyNames are the names by which known_hosts knows a host. The second, if
// there is one, is only good for a key that is the right one.
func hostKeyNames(h *host) []string {
	if alias := h.settings.one("hostkeyalias"); alias != "" {
		return []string{strings.ToLower(alias)}
	}
	name := strings.ToLower(h.addr)
	if h.port == 22 {
		return []string{name}
	}
	return []string{fmt.Sprintf("[%s]:%d", name, h.port), name}
}

// setIdentities finds the files of keys and the agent.
func (h *host) setIdentities() (err error) {
	h.identity = identities{
		only: h.settings.yes("identitiesonly", false), home: h.tokens['d'],
		explicit: len(h.settings["identityfile"]) > 0,
	}
	files := h.settings["identityfile"]
	if !h.identity.explicit {
		files = []string{"~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519", "~/.ssh/id_ed25519_sk"}
	}
	if h.identity.files, err = h.paths(files); err != nil {
		return err
	}
	if h.identity.certificates, err = h.paths(h.settings["certificatefile"]); err != nil {
		return err
	}
	if h.identity.keep, err = h.settings.keepTerms(); err != nil {
		return err
	}
	switch agent := h.settings.one("identityagent"); {
	case agent == "none":
	case agent == "" || agent == "SSH_AUTH_SOCK":
		h.identity.agent = os.Getenv("SSH_AUTH_SOCK")
	case agent[0] == '$' && !strings.HasPrefix(agent, "${"):
		h.identity.agent = os.Getenv(agent[1:])
	default:
		h.identity.agent, err = h.tokens.path(agent)
	}
	return err
}

func (h *host) paths(names []string) (paths []string, err error) {
	for _, name := range names {
		if strings.EqualFold(name, "none") {
			continue
		}
		path, err := h.tokens.path(name)
		if err != nil {
			return nil, err
		}
		paths = append(paths, filepath.Clean(path))
	}
	return paths, nil
}

// setMethods finds which methods of authentication there are, and their order.
func (h *host) setMethods() (err error) {
	h.prefer = []string{"publickey", "keyboard-interactive", "password"}
	if list := h.settings.one("preferredauthentications"); list != "" {
		h.prefer = strings.Split(list, ",")
	}
	off := map[string]bool{
		"publickey":            !h.settings.yes("pubkeyauthentication", true) && !strings.Contains(h.settings.one("pubkeyauthentication"), "bound"),
		"keyboard-interactive": !h.settings.yes("kbdinteractiveauthentication", h.settings.yes("challengeresponseauthentication", true)),
		"password":             !h.settings.yes("passwordauthentication", true),
	}
	h.prefer = slices.DeleteFunc(h.prefer, func(method string) bool { return off[method] })
	h.prompts, err = h.settings.number("numberofpasswordprompts", 3)
	return err
}

// localUser is the name of the user of this process.
func localUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return first(os.Getenv("USER"), os.Getenv("USERNAME"))
}

// first returns the first value that is not zero.
func first[T comparable](values ...T) (value T) {
	for _, v := range values {
		if v != value {
			return v
		}
	}
	return value
}
