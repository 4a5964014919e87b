package agents

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/build"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// source is a directory with luagw's source.
type source struct {
	dir     string
	version string // of the module, if dir is in Go's module cache
}

// findSource finds luagw's source, in dir if that is not empty.
func findSource(dir string) (source, error) {
	if dir != "" {
		if !isModule(dir) {
			return source{}, fmt.Errorf("luagw's source is not in %q", dir)
		}
		return source{dir: dir}, nil
	}
	if dir, ok := checkout(); ok {
		return source{dir: dir}, nil
	}
	return cachedModule()
}

// checkout looks above the working directory and above this program.
func checkout() (string, bool) {
	wd, _ := os.Getwd()
	self, _ := os.Executable()
	for _, dir := range []string{wd, filepath.Dir(self)} {
		for ; filepath.IsAbs(dir); dir = filepath.Dir(dir) {
			if isModule(dir) {
				return dir, true
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", false
}

// isModule reports whether dir is the root of luagw's module.
func isModule(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	line, _, _ := strings.Cut(string(b), "\n")
	return err == nil && strings.TrimSpace(line) == "module "+modulePath
}

// cachedModule finds the version that this program was built with, where the
// go command has put it to build this program.
func cachedModule() (source, error) {
	version, ok := moduleVersion()
	if !ok {
		return source{}, errors.New("luagw's source, to build one, is neither above the working directory nor above this program")
	}
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		cache = filepath.Join(filepath.SplitList(build.Default.GOPATH)[0], "pkg", "mod")
	}
	dir := filepath.Join(cache, filepath.FromSlash(modulePath)+"@"+version)
	if !isModule(dir) {
		return source{}, fmt.Errorf("luagw's source, to build one, is not in %q", dir)
	}
	return source{dir, version}, nil
}

// moduleVersion tells which version of luagw this program has.
func moduleVersion() (string, bool) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", false
	}
	for _, module := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if module.Path == modulePath && module.Replace == nil && strings.HasPrefix(module.Version, "v") {
			return module.Version, true
		}
	}
	return "", false
}

// key returns a word that changes when what is built does.
func (src source) key() (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), src.version)
	if src.version == "" {
		if err := src.hashFiles(sum); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

// aside are directories of which the agent has nothing.
var aside = []string{"bench", "bin", "dist", "examples", "gateways", "testdata", "server"}

// notGo are files that say what is built, besides those in Go.
var notGo = []string{"go.mod", "go.sum", recipeFile}

// hashFiles hashes the names and contents of the source files.
func (src source) hashFiles(sum io.Writer) error {
	return filepath.WalkDir(src.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != src.dir && (strings.HasPrefix(name, ".") || slices.Contains(aside, name)) {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, "_test.go") || !strings.HasSuffix(name, ".go") && !slices.Contains(notGo, name) {
			return nil
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed while we looked
		}
		fmt.Fprintf(sum, "%s %d\n", path, len(b))
		sum.Write(b)
		return err
	})
}
