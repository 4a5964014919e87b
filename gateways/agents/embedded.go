package agents

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
)

// Embedded gives the agents that a release build carries, which is one that was
// built with the tag release; see make release. Other builds carry none.
type Embedded struct{}

// Agents implements [Source].
func (Embedded) Agents() ([]*Agent, error) { return packed(embedded) }

// indexName is the file that lists what was packed, a line for each agent:
// hash, size and name. The name is that of the compressed file without .gz.
const indexName = "index"

// packed lists the agents in a directory that make release has made.
func packed(dir fs.FS) ([]*Agent, error) {
	if dir == nil {
		return nil, nil
	}
	index, err := fs.ReadFile(dir, indexName)
	if err != nil {
		return nil, err
	}
	var all []*Agent
	for line := range strings.Lines(string(index)) {
		agent, err := packedAgent(dir, line)
		if err != nil {
			return nil, err
		}
		all = append(all, agent)
	}
	return all, nil
}

func packedAgent(dir fs.FS, line string) (*Agent, error) {
	var hash, name string
	var size int64
	if _, err := fmt.Sscanf(line, "%64s %d %s\n", &hash, &size, &name); err != nil {
		return nil, fmt.Errorf("index of agents: line %q: %w", line, err)
	}
	goos, goarch, ok := platformOf(name)
	if !ok {
		return nil, fmt.Errorf("index of agents: %q names no platform", name)
	}
	load := func(context.Context) (*Image, error) {
		b, err := fs.ReadFile(dir, name+".gz")
		if err != nil {
			return nil, err
		}
		return &Image{Hash: hash, Size: size, Gzip: b}, nil
	}
	return &Agent{OS: goos, Arch: goarch, Hash: hash, Origin: "embedded", Load: load}, nil
}
