package ssh

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	gossh "golang.org/x/crypto/ssh"
)

// maxKnownHosts is how large a file of known hosts may be, in bytes.
const maxKnownHosts = 64 << 20

// knownKey is a line of a known_hosts file that is about a host.
type knownKey struct {
	key       gossh.PublicKey
	authority bool // it may sign certificates of the host
	revoked   bool
	fallback  bool // it stands under a name without the port
	file      string
	line      int
}

func (k *knownKey) where() string { return fmt.Sprintf("%s:%d", k.file, k.line) }

// read reads the files: what they say of the host, and which keys are revoked.
func (t *trust) read() ([]knownKey, error) {
	known, err := readKnown(t.files, t.names)
	if err != nil {
		return nil, err
	}
	revoked, err := readRevoked(t.revoked)
	return append(known, revoked...), err
}

// readKnown finds what files say of a host by any of its names. A file that is
// not there says nothing, and neither does a line that cannot be read: there
// are types of keys which this side does not know, and one such line must not
// keep anybody from all other hosts.
func readKnown(files, names []string) (known []knownKey, err error) {
	for _, file := range files {
		text, err := readBounded(file, maxKnownHosts)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		number := 0
		for line := range bytes.Lines(text) {
			number++
			if k, ok := parseKnown(string(bytes.TrimSpace(line)), names); ok {
				k.file, k.line = file, number
				known = append(known, k)
			}
		}
	}
	return known, nil
}

// parseKnown reads a line if it is about one of the names. The key is decoded
// only then: files may have many thousand lines.
func parseKnown(line string, names []string) (k knownKey, ok bool) {
	if line == "" || line[0] == '#' {
		return k, false
	}
	marker, rest := "", line
	if line[0] == '@' {
		marker, rest = cutWord(line)
	}
	hosts, rest := cutWord(rest)
	at := matchKnown(hosts, names)
	if at < 0 {
		return k, false
	}
	switch marker {
	case "":
	case "@cert-authority":
		k.authority = true
	case "@revoked":
		k.revoked = true
	default:
		return k, false
	}
	_, blob := cutWord(rest)
	blob, _ = cutWord(blob)
	raw, err := base64.StdEncoding.DecodeString(blob)
	if err != nil {
		return k, false
	}
	k.key, err = gossh.ParsePublicKey(raw)
	k.fallback = at > 0
	return k, err == nil
}

func cutWord(line string) (word, rest string) {
	end := strings.IndexAny(line, " \t")
	if end < 0 {
		return line, ""
	}
	return line[:end], strings.TrimLeft(line[end:], " \t")
}

// matchKnown returns which of the names the hosts of a line mean; -1 for none.
func matchKnown(hosts string, names []string) int {
	for i, name := range names {
		if strings.HasPrefix(hosts, "|") {
			if matchHashed(hosts, name) {
				return i
			}
			continue
		}
		if matchHosts(name, strings.Split(hosts, ",")) {
			return i
		}
	}
	return -1
}

// matchHashed compares a name with one that is hashed, as |1|SALT|HASH.
func matchHashed(hashed, name string) bool {
	parts := strings.Split(hashed, "|")
	if len(parts) != 4 || parts[1] != "1" {
		return false
	}
	salt, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	return hashName(name, salt) == hashed
}

func hashName(name string, salt []byte) string {
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte(name))
	return "|1|" + base64.StdEncoding.EncodeToString(salt) + "|" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// knownLine is a line for a known_hosts file.
func knownLine(name string, key gossh.PublicKey, hash bool) string {
	if hash {
		salt := make([]byte, sha1.Size)
		rand.Read(salt)
		name = hashName(name, salt)
	}
	return name + " " + key.Type() + " " + base64.StdEncoding.EncodeToString(key.Marshal())
}

// appendKnown adds a line to a file, which is made if need be.
func appendKnown(path, line string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	last := make([]byte, 1)
	if end, err := f.Seek(-1, io.SeekEnd); err == nil {
		if _, err := f.ReadAt(last, end); err == nil && last[0] != '\n' {
			line = "\n" + line
		}
	}
	_, err = io.WriteString(f, line+"\n")
	return errors.Join(err, f.Close())
}
