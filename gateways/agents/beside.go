package agents

import (
	"debug/buildinfo"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Beside gives the agents that lie in a directory: luagw-agent_OS_ARCH, the
// same with .gz, and luagw-agent, whose platform its build information tells.
// The zero value is usable.
type Beside struct {
	Dir string // the directory; that of this program if empty

	files files
}

// Agents implements [Source]. What cannot be read is not listed: what lies
// beside a program need not be its business.
func (b *Beside) Agents() ([]*Agent, error) {
	dir, err := b.dir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []*Agent
	for _, name := range agentNames(entries) {
		path := filepath.Join(dir, name)
		goos, goarch, ok := platformOf(path)
		if !ok || slices.ContainsFunc(all, func(a *Agent) bool { return a.OS == goos && a.Arch == goarch }) {
			continue
		}
		if agent, err := b.files.agent(path, goos, goarch); err == nil {
			all = append(all, agent)
		}
	}
	return all, nil
}

func (b *Beside) dir() (string, error) {
	if b.Dir != "" {
		return b.Dir, nil
	}
	self, err := os.Executable()
	return filepath.Dir(self), err
}

const agentName = "luagw-agent"

// agentNames returns the names that may be agents', best first: those which
// tell the platform, and plain ones before compressed ones.
func agentNames(entries []os.DirEntry) []string {
	var names []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), agentName) && !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	rank := func(name string) int {
		switch {
		case !strings.HasPrefix(name, agentName+"_"):
			return 2
		case strings.HasSuffix(name, ".gz"):
			return 1
		}
		return 0
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}

// platformOf reads the platform from a file's name, or from the file.
func platformOf(path string) (goos, goarch string, ok bool) {
	name := strings.TrimPrefix(filepath.Base(path), agentName)
	if name == "" || name == ".exe" {
		return builtFor(path)
	}
	platform, ok := strings.CutPrefix(strings.TrimSuffix(name, ".gz"), "_")
	goos, goarch, both := strings.Cut(strings.TrimSuffix(platform, ".exe"), "_")
	return goos, goarch, ok && both && goos != "" && goarch != "" && !strings.ContainsAny(goarch, "_.")
}

// builtFor reads from a Go program which platform it was built for.
func builtFor(path string) (goos, goarch string, ok bool) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return "", "", false
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "GOOS":
			goos = setting.Value
		case "GOARCH":
			goarch = setting.Value
		}
	}
	return goos, goarch, goos != "" && goarch != ""
}
