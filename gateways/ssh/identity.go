package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// maxKeyFile is how large the file of a key may be, in bytes.
const maxKeyFile = 1 << 20

// passphraseTries is how often a passphrase is asked for.
const passphraseTries = 3

// identities are where the keys of a login come from.
type identities struct {
	files        []string
	certificates []string
	explicit     bool            // files were asked for by name, or else are the usual ones
	only         bool            // the agent's other keys are left alone
	agent        string          // its socket; empty for none
	keep         *agent.AddedKey // how the agent is to keep keys that were unlocked; nil for not at all
	home         string
}

// identity is a key that can be offered to a server.
type identity struct {
	name   string // for a sentence
	signer gossh.Signer
	agent  bool // it signs
}

// keyFile is a key read from a file, shared by all logins.
type keyFile struct {
	path   string
	public gossh.PublicKey // nil if it cannot be told without the passphrase
	half   error           // why only the public half is of use; nil if the private one is

	mu     sync.Mutex // guards the following, and is held while the passphrase is asked for
	text   []byte     // while it is locked
	signer gossh.Signer
}

// keyFiles keeps the keys that were read, so that a fleet is opened with one
// reading, and one question, for each.
type keyFiles struct {
	mu    sync.Mutex // guards read
	read  map[string]*keyFile
	times map[string]time.Time
}

// load reads the file of a key, if it was not read since it was written. Where
// there is none, the public half beside its place names a key of the agent.
func (f *keyFiles) load(path string) (*keyFile, error) {
	info, err := os.Stat(path)
	if public, _ := readPublic(path + ".pub"); err != nil && public != nil {
		return f.load(path + ".pub")
	}
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if key := f.read[path]; key != nil && f.times[path].Equal(info.ModTime()) {
		return key, nil
	}
	key, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	if f.read == nil {
		f.read, f.times = map[string]*keyFile{}, map[string]time.Time{}
	}
	f.read[path], f.times[path] = key, info.ModTime()
	return key, nil
}

func readKeyFile(path string) (*keyFile, error) {
	text, err := readBounded(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	key := &keyFile{path: path}
	key.signer, err = gossh.ParsePrivateKey(text)
	locked, isLocked := errors.AsType[*gossh.PassphraseMissingError](err)
	switch {
	case isLocked && locked.PublicKey != nil:
		key.text, key.public = text, locked.PublicKey
	case isLocked:
		key.text = text
		key.public, _ = readPublic(path + ".pub")
	case err != nil:
		return readHalf(path, errors.New(strings.TrimPrefix(err.Error(), "ssh: ")))
	default:
		key.public = key.signer.PublicKey()
	}
	return key, key.guard()
}

// guard gives up a private key that others than the user may read, as OpenSSH
// does. The public half stays.
func (k *keyFile) guard() error {
	info, err := os.Stat(k.path)
	if err != nil || !isOpenToOthers(info) {
		return err
	}
	k.text, k.signer = nil, nil
	k.half = fmt.Errorf("its mode %#o opens it to others, so it is not used; chmod 600 closes it", info.Mode().Perm())
	return nil
}

// readHalf reads a public key, which may be all that is needed where the agent has
// the private one: in the place of that, or beside what cannot be used for the
// reason why.
func readHalf(path string, why error) (*keyFile, error) {
	if public, _ := readPublic(path); public != nil {
		return &keyFile{path: path, public: public, half: errHalf}, nil
	}
	if public, _ := readPublic(path + ".pub"); public != nil {
		return &keyFile{path: path, public: public, half: why}, nil
	}
	return nil, why
}

// errHalf tells that a file has only a public key.
var errHalf = errors.New("it is a public key, and the agent does not have the private one")

func readPublic(path string) (gossh.PublicKey, error) {
	text, err := readBounded(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	key, _, _, _, err := gossh.ParseAuthorizedKey(text)
	return key, err
}

// unlock returns what signs with the key, and asks for its passphrase if need
// be. opened gets the key then.
func (k *keyFile) unlock(ask func(prompt string) (string, error), opened func(key any)) (gossh.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for try := 0; k.signer == nil && try < passphraseTries; try++ {
		prompt := "passphrase of " + k.path
		if try > 0 {
			prompt = "that was not it; " + prompt
		}
		passphrase, err := ask(prompt)
		if err != nil {
			return nil, fmt.Errorf("its passphrase: %w", err)
		}
		if passphrase == "" {
			break
		}
		key, err := gossh.ParseRawPrivateKeyWithPassphrase(k.text, []byte(passphrase))
		if err != nil {
			continue
		}
		if k.signer, err = gossh.NewSignerFromKey(key); err != nil {
			return nil, err
		}
		k.text = nil
		opened(key)
	}
	if k.signer == nil {
		return nil, errors.New("its passphrase was not given")
	}
	return k.signer, nil
}

// locked says whether signing takes a passphrase first.
func (k *keyFile) locked() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.signer == nil
}

// lazySigner is a key whose passphrase is asked for when a server has accepted
// it, and not before.
type lazySigner struct {
	file   *keyFile
	unlock func(*keyFile) (gossh.Signer, error)
}

var _ gossh.AlgorithmSigner = (*lazySigner)(nil)

func (s *lazySigner) PublicKey() gossh.PublicKey { return s.file.public }

func (s *lazySigner) Sign(rand io.Reader, data []byte) (*gossh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, "")
}

func (s *lazySigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*gossh.Signature, error) {
	signer, err := s.unlock(s.file)
	if err != nil {
		return nil, err
	}
	if as, ok := signer.(gossh.AlgorithmSigner); ok && algorithm != "" {
		return as.SignWithAlgorithm(rand, data, algorithm)
	}
	return signer.Sign(rand, data)
}

// keyring collects the identities for one login.
type keyring struct {
	*identities
	files    *keyFiles
	agent    *agentKeys
	unlock   func(*keyFile) (gossh.Signer, error) // asks for the passphrase; nil if that cannot be done
	silenced error                                // why it cannot
	skipped  []string                             // keys that cannot be offered, each with the reason
	found    []identity
}

// collect finds all identities in the order in which they are offered. Those
// that were asked for by name come first: servers allow six tries, and an agent
// may hold more keys.
func (r *keyring) collect(ctx context.Context) []identity {
	if r.identities.agent != "" {
		var err error
		if r.agent, err = dialAgent(ctx, r.identities.agent); err != nil {
			r.skip("ssh-agent", err)
		}
	}
	if !r.explicit && !r.only {
		r.addAgent()
	}
	for _, path := range r.identities.files {
		r.addFile(path)
	}
	if r.explicit && !r.only {
		r.addAgent()
	}
	return r.found
}

func (r *keyring) skip(name string, err error) {
	r.skipped = append(r.skipped, fmt.Sprintf("%s: %v", name, err))
}

// addAgent adds all keys that the agent has, each behind its certificates.
func (r *keyring) addAgent() {
	for _, key := range r.agent.keys() {
		for _, certificate := range r.certificates {
			r.addCertificate(certificate, key)
		}
		r.add(key)
	}
}

// addFile adds the key in a file: by the agent if that has it, too.
func (r *keyring) addFile(path string) {
	file, err := r.files.load(path)
	if err != nil {
		if r.explicit || !errors.Is(err, fs.ErrNotExist) {
			r.skip(path, unpath(err))
		}
		return
	}
	key, err := r.open(file)
	if err != nil {
		r.skip(file.path, err)
		return
	}
	for _, certificate := range append([]string{path + "-cert.pub"}, r.certificates...) {
		r.addCertificate(certificate, key)
	}
	r.add(key)
}

// open makes an identity of a file.
func (r *keyring) open(file *keyFile) (identity, error) {
	if file.public != nil {
		if signer := r.agent.signer(file.public); signer != nil {
			return identity{file.path, signer, true}, nil
		}
	}
	switch {
	case file.half != nil:
		return identity{}, file.half
	case !file.locked():
		return identity{file.path, file.signer, false}, nil
	case r.unlock == nil:
		return identity{}, fmt.Errorf("it needs its passphrase, and %w", r.silenced)
	case file.public != nil:
		return identity{file.path, &lazySigner{file, r.unlock}, false}, nil
	}
	signer, err := r.unlock(file) // an old format, which does not tell the public key
	return identity{file.path, signer, false}, err
}

// addCertificate adds a certificate of a key, if the file has one.
func (r *keyring) addCertificate(path string, key identity) {
	public, err := readPublic(path)
	cert, ok := public.(*gossh.Certificate)
	if err != nil || !ok || !same(cert.Key, key.signer.PublicKey()) {
		return
	}
	signer, err := gossh.NewCertSigner(cert, key.signer)
	if err != nil {
		r.skip(path, err)
		return
	}
	r.add(identity{path + outOfTime(cert, time.Now()), signer, key.agent})
}

// outOfTime tells of a certificate that is not valid now. It is offered all the
// same, because the server's time counts.
func outOfTime(cert *gossh.Certificate, now time.Time) string {
	switch seconds := uint64(now.Unix()); {
	case seconds >= cert.ValidBefore:
		return ", which has expired on " + time.Unix(int64(cert.ValidBefore), 0).Format(time.DateTime)
	case seconds < cert.ValidAfter:
		return ", which is valid from " + time.Unix(int64(cert.ValidAfter), 0).Format(time.DateTime) + " on"
	}
	return ""
}

// add adds an identity that is not there yet.
func (r *keyring) add(key identity) {
	public := key.signer.PublicKey()
	if !slices.ContainsFunc(r.found, func(other identity) bool { return same(other.signer.PublicKey(), public) }) {
		r.found = append(r.found, key)
	}
}

func (r *keyring) close() { r.agent.close() }

// plainKey is the key that a certificate is for.
func plainKey(key gossh.PublicKey) gossh.PublicKey {
	if cert := certificate(key); cert != nil {
		return cert.Key
	}
	return key
}

// certificate returns key if it is one, in whichever form; nil if not.
func certificate(key gossh.PublicKey) *gossh.Certificate {
	if isCertificate(key.Type()) { // those of an agent are bytes
		if parsed, err := gossh.ParsePublicKey(key.Marshal()); err == nil {
			key = parsed
		}
	}
	cert, _ := key.(*gossh.Certificate)
	return cert
}

// unpath takes the path out of an error that is told beside it.
func unpath(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
