package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"
)

// login is what a client may do that has shown a key.
type login struct {
	account     *account
	key         string // fingerprint
	certificate string // key id and serial; empty for a bare key
	line        string // file:line that let it in
	allow       string // narrows its fragments further; empty for nothing
}

// loginKey is where a login is kept in ssh.Permissions.
type loginKey struct{}

// authenticate decides about a key. The client has not shown yet that it has
// the private one; the library sees to that after.
func (s *session) authenticate(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	l, permissions, err := s.server.decide(s.ctx, meta.User(), addressOf(meta.RemoteAddr()), key)
	s.offered = ssh.FingerprintSHA256(bareKey(key))
	if err != nil {
		return nil, err
	}
	if permissions == nil {
		permissions = &ssh.Permissions{}
	}
	permissions.ExtraData = map[any]any{loginKey{}: l}
	return permissions, nil
}

func bareKey(key ssh.PublicKey) ssh.PublicKey {
	if cert, ok := key.(*ssh.Certificate); ok {
		return cert.Key
	}
	return key
}

// errNoLine tells nothing of a key, which may be one of many that the client has.
var errNoLine = errors.New("no line has the key")

// decide finds the line that lets a key in, or says why there is none.
func (s *server) decide(ctx context.Context, name string, from netip.Addr, key ssh.PublicKey) (*login, *ssh.Permissions, error) {
	if err := checkKey(key); err != nil {
		return nil, nil, err
	}
	entries, err := s.keys.keys()
	if err != nil && s.authorities == nil {
		return nil, nil, err
	}
	cert, isCert := key.(*ssh.Certificate)
	reason := errNoLine
	for _, entry := range entries {
		var permissions *ssh.Permissions
		switch {
		case isCert && entry.authority && sameKey(entry.key, cert.SignatureKey):
			permissions, err = s.checkCertificate(cert, entry.principals, name, entry.user)
		case !isCert && !entry.authority && sameKey(entry.key, key):
			err = nil
		default:
			continue
		}
		if err == nil {
			err = entry.usable(time.Now(), from)
		}
		var a *account
		if err == nil {
			a, err = s.accountFor(ctx, entry.user, name)
		}
		if err != nil {
			reason = fmt.Errorf("%s:%d: %w", s.keys.path, entry.line, err)
			continue
		}
		l := newLogin(a, key)
		l.line, l.allow = fmt.Sprintf("%s:%d", s.keys.path, entry.line), entry.allow
		return l, permissions, nil
	}
	if isCert {
		return s.decideByAuthority(ctx, name, cert, reason)
	}
	return nil, nil, reason
}

// decideByAuthority looks whether one of the trusted authorities has signed a
// certificate. It names in its principals whom the agent may run as, which for
// root an authority of this kind cannot say: that takes a line in the file of
// authorized keys.
func (s *server) decideByAuthority(ctx context.Context, name string, cert *ssh.Certificate, reason error) (*login, *ssh.Permissions, error) {
	if s.authorities == nil {
		return nil, nil, reason
	}
	trusted, err := s.authorities.keys()
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(trusted, func(e keyEntry) bool { return sameKey(e.key, cert.SignatureKey) })
	if i < 0 {
		return nil, nil, reason
	}
	if name == "" && len(cert.ValidPrincipals) == 1 {
		name = cert.ValidPrincipals[0]
	}
	permissions, err := s.checkCertificate(cert, nil, name, name)
	if err != nil {
		return nil, nil, err
	}
	a, err := s.accountFor(ctx, name, name)
	if err != nil {
		return nil, nil, err
	}
	if a.uid == 0 { // by whatever name
		return nil, nil, errors.New("an authority of --trusted-user-ca does not speak for root; a cert-authority line with luagw-user=\"root\" does")
	}
	l := newLogin(a, cert)
	l.line = fmt.Sprintf("%s:%d", s.authorities.path, trusted[i].line)
	return l, permissions, nil
}

func newLogin(a *account, key ssh.PublicKey) *login {
	l := &login{account: a, key: ssh.FingerprintSHA256(bareKey(key))}
	if cert, ok := key.(*ssh.Certificate); ok {
		l.certificate = fmt.Sprintf("%s (serial %d)", cert.KeyId, cert.Serial)
	}
	return l
}

func sameKey(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

// checkCertificate checks a user certificate, whose authority is known: it must
// name one of the principals or, where none are given, the login or else the
// user of the line. One that names nobody is for nobody.
func (s *server) checkCertificate(cert *ssh.Certificate, principals []string, name, user string) (*ssh.Permissions, error) {
	if cert.CertType != ssh.UserCert {
		return nil, errors.New("the certificate is not for a user")
	}
	if len(principals) == 0 {
		if name == "" {
			name = user
		}
		if name == "" {
			name = s.own.name
		}
		principals = []string{name}
	}
	i := slices.IndexFunc(principals, func(p string) bool { return slices.Contains(cert.ValidPrincipals, p) })
	if i < 0 {
		return nil, fmt.Errorf("the certificate is for %q, not for %q", cert.ValidPrincipals, principals)
	}
	if cert.Signature.Format == ssh.KeyAlgoRSA {
		return nil, errors.New("the certificate is signed by SHA-1, which is not safe (ssh-keygen -t rsa-sha2-512)")
	}
	checker := &ssh.CertChecker{SupportedCriticalOptions: []string{"source-address"}} // which the library enforces
	if err := checker.CheckCert(principals[i], cert); err != nil {
		return nil, err
	}
	return &ssh.Permissions{CriticalOptions: cert.CriticalOptions, Extensions: cert.Extensions}, nil
}

// accountFor tells whom an agent runs as: the user that the line names, and
// without that whom this process runs as, but never root, unless a line says
// so. A login by another name is a misunderstanding.
func (s *server) accountFor(ctx context.Context, named, login string) (*account, error) {
	user := named
	if user == "" {
		user = s.own.name
	}
	switch {
	case named == "" && s.own.uid == 0:
		return nil, errors.New("this server runs as root, and the line has no luagw-user=")
	case user != s.own.name && s.own.uid != 0:
		return nil, fmt.Errorf("the key is for user %q, and this server, which is not root, runs as %q", user, s.own.name)
	case login != "" && login != user:
		return nil, fmt.Errorf("the login is for user %q, the key for %q", login, user)
	case user == s.own.name:
		return s.own, nil
	}
	return findAccount(ctx, user)
}
