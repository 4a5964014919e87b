package agents

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// files remembers the agents in files for as long as these do not change, for
// to know a hash is to read the whole file. It may be used concurrently.
type files struct {
	mu    sync.Mutex // guards known
	known map[string]knownFile
}

type knownFile struct {
	state fs.FileInfo
	agent *Agent
}

// agent returns the executable at path as the agent for a platform. One whose
// name ends in .gz is unpacked.
func (f *files) agent(path, goos, goarch string) (*Agent, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if known, ok := f.known[path]; ok && known.isIn(state) {
		return known.agent, nil
	}
	agent := &Agent{OS: goos, Arch: goarch, Origin: path}
	if err := agent.readFile(path); err != nil {
		return nil, err
	}
	if f.known == nil {
		f.known = map[string]knownFile{}
	}
	f.known[path] = knownFile{state, agent}
	return agent, nil
}

func (k knownFile) isIn(state fs.FileInfo) bool {
	return os.SameFile(state, k.state) && state.Size() == k.state.Size() && state.ModTime().Equal(k.state.ModTime())
}

// readFile sets the hash, and Load.
func (a *Agent) readFile(path string) error {
	if strings.HasSuffix(path, ".gz") {
		packed, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		image, err := examine(packed)
		if err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
		a.Hash = image.Hash
		a.Load = func(context.Context) (*Image, error) { return image, nil }
		return nil
	}
	hash, err := hashFile(path)
	a.Hash = hash
	a.Load = func(ctx context.Context) (*Image, error) { return loadFile(ctx, path, hash) }
	return err
}

func hashFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// loadFile returns the image of the executable at path, compressed now unless
// that has been done before. A file that has changed since it was hashed is
// refused: the far side was asked for the old one.
func loadFile(ctx context.Context, path, hash string) (*Image, error) {
	if image, err := theStore().image(hash); err == nil {
		return image, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	executable, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	image, err := compress(executable, gzip.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if image.Hash != hash {
		return nil, fmt.Errorf("the agent %q has just been replaced by another", path)
	}
	theStore().keep(image)
	return image, nil
}
