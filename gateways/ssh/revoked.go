package ssh

import (
	"bytes"
	"fmt"

	gossh "golang.org/x/crypto/ssh"
)

// readRevoked reads the file of RevokedHostKeys: a public key on each line, of a
// host or of an authority. As in OpenSSH, no host is trusted where it cannot be
// read.
func readRevoked(path string) (revoked []knownKey, err error) {
	if path == "" {
		return nil, nil
	}
	text, err := readBounded(path, maxKnownHosts)
	if err != nil {
		return nil, fmt.Errorf("RevokedHostKeys: %w", err)
	}
	if bytes.HasPrefix(text, []byte("SSHKRL\n")) {
		return nil, fmt.Errorf("RevokedHostKeys: %s is a revocation list in OpenSSH's own format, which ssh_program=ssh can read", path)
	}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		key, _, _, _, err := gossh.ParseAuthorizedKey(line)
		if err != nil {
			return nil, fmt.Errorf("RevokedHostKeys: %s:%d has no public key", path, number)
		}
		revoked = append(revoked, knownKey{key: key, revoked: true, file: path, line: number})
	}
	return revoked, nil
}
