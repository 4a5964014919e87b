package agents

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// keepFor is how long the store keeps what nobody asks for.
const keepFor = 30 * 24 * time.Hour

// store keeps compressed executables and the names of what was built, in the
// user's cache directory. What it cannot keep is made again when it is needed,
// so nothing fails for it. The zero value keeps nothing. Several processes may
// use the same directory.
type store struct {
	dir string
}

func theStore() store {
	cache, err := os.UserCacheDir()
	if err != nil {
		return store{}
	}
	return store{filepath.Join(cache, "luagw", "agents")}
}

var errNotStored = errors.New("not in the store")

// image returns the image of an executable by its hash.
func (s store) image(hash string) (*Image, error) {
	packed, err := s.read(hash + ".gz")
	if err != nil {
		return nil, err
	}
	image, err := examine(packed)
	if err != nil || image.Hash != hash {
		return nil, errNotStored // half written when the power failed
	}
	return image, nil
}

func (s store) keep(image *Image) {
	s.write(image.Hash+".gz", image.Gzip)
	s.clean()
}

// built returns the hash of what was built under a name.
func (s store) built(name string) (hash string, ok bool) {
	b, err := s.read(name + ".built")
	hash = strings.TrimSpace(string(b))
	if err != nil || len(hash) != 64 {
		return "", false
	}
	_, err = os.Stat(filepath.Join(s.dir, hash+".gz"))
	return hash, err == nil
}

func (s store) keepBuilt(name string, image *Image) {
	s.keep(image)
	s.write(name+".built", []byte(image.Hash+"\n"))
}

func (s store) read(name string) ([]byte, error) {
	if s.dir == "" {
		return nil, errNotStored
	}
	path := filepath.Join(s.dir, name)
	b, err := os.ReadFile(path)
	if err == nil {
		now := time.Now()
		os.Chtimes(path, now, now) // or clean takes it sooner
	}
	return b, err
}

// write writes a file whole, or not at all.
func (s store) write(name string, b []byte) {
	if s.dir == "" || os.MkdirAll(s.dir, 0o700) != nil {
		return
	}
	file, err := os.CreateTemp(s.dir, "tmp.*")
	if err != nil {
		return
	}
	_, err = file.Write(b)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), filepath.Join(s.dir, name))
	}
	if err != nil {
		os.Remove(file.Name())
	}
}

// clean removes what nobody has asked for in a long time.
func (s store) clean() {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && isOld(info) {
			os.Remove(filepath.Join(s.dir, entry.Name()))
		}
	}
}

func isOld(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && time.Since(info.ModTime()) > keepFor
}
