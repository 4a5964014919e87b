package server

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// maxHostKey bounds the file of a host key.
const maxHostKey = 64 << 10

// HostKey reads the private key by which a server is known from a file, which
// nobody else may be able to read. Where there is none it makes one (ed25519),
// with the folder that it is in; made tells so. Of several that make one at the
// same time, all get the same.
func HostKey(path string) (key ssh.Signer, made bool, err error) {
	key, err = readHostKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, false, fmt.Errorf("make a host key: %w", err)
	}
	made, err = WriteKey(path, "luagw serve")
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, false, fmt.Errorf("make a host key: %w", err)
	}
	key, err = readHostKey(path)
	return key, made, err
}

func readHostKey(path string) (ssh.Signer, error) {
	data, err := readTrusted(path, maxHostKey, privateMode)
	if err != nil {
		return nil, fmt.Errorf("host key: %w", err)
	}
	key, err := ssh.ParsePrivateKey(data)
	if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		return nil, fmt.Errorf("host key %s is encrypted, and nobody is there to be asked for its passphrase (%w)", path, missing)
	}
	if err != nil {
		return nil, fmt.Errorf("host key %s: %w", path, err)
	}
	return key, nil
}

// WriteKey makes a new ed25519 key and writes it to path, and its public half to
// path.pub. A file that is there stays as it is, and the error wraps
// [fs.ErrExist]. Never is there a part of a key, or one that others can read.
func WriteKey(path, comment string) (made bool, err error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return false, err
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return false, err
	}
	if err := writeNew(path, pem.EncodeToMemory(block), 0o600); err != nil {
		return false, err
	}
	sshPublic, err := ssh.NewPublicKey(public)
	if err != nil {
		return true, err
	}
	line := append(ssh.MarshalAuthorizedKey(sshPublic), '\n')
	line = append(line[:len(line)-2], (" " + comment + "\n")...)
	return true, replaceFile(path+".pub", line, 0o644)
}

// writeNew writes a whole file that was not there before.
func writeNew(path string, data []byte, mode fs.FileMode) error {
	temp, err := writeTemp(path, data, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	return os.Link(temp, path)
}

// replaceFile writes a whole file in the place of what was there.
func replaceFile(path string, data []byte, mode fs.FileMode) error {
	temp, err := writeTemp(path, data, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temp) // gone already if all went well
	return os.Rename(temp, path)
}

func writeTemp(path string, data []byte, mode fs.FileMode) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	_, writeErr := f.Write(data)
	err = errors.Join(writeErr, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
