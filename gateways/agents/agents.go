// Package agents knows where agent executables come from, for the hosts on
// which there is none yet: package bootstrap sends them there.
//
// A [Source] lists the agents that it can give, one for a platform.
// [Default] is what programs use: agents embedded in a release build, lying
// beside the program, built by the Go toolchain, or this very program. [Self],
// [Embedded], [Beside] and [Toolchain] are those one by one, and [Sources]
// joins some.
package agents

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/luagw/luagw"
)

// Agent is an agent executable for one platform. It may be used concurrently.
type Agent struct {
	OS, Arch string // as GOOS and GOARCH
	Hash     string // SHA-256 of the executable in hex; empty if it has yet to be built
	Origin   string // where it comes from, for people: "embedded", or a path

	// Load returns the executable. It may take long, to compress or build
	// it; ctx bounds that.
	Load func(ctx context.Context) (*Image, error)
}

// Platform returns OS/Arch, as in "linux/amd64".
func (a *Agent) Platform() string { return a.OS + "/" + a.Arch }

// Image is an executable as it is sent. It is not changed once made.
type Image struct {
	Hash string // SHA-256 of the executable, in hex
	Size int64  // of the executable in bytes
	Gzip []byte // the executable, compressed
}

// Open returns the executable itself. What is read is bounded by Size.
func (i *Image) Open() (io.Reader, error) {
	plain, err := gzip.NewReader(bytes.NewReader(i.Gzip))
	if err != nil {
		return nil, err
	}
	return io.LimitReader(plain, i.Size), nil
}

// Source gives agents. Its methods may be called concurrently.
type Source interface {
	// Agents lists the agents, at most one for a platform, without building
	// or compressing any. The error tells of what could not be looked at;
	// the agents are good nevertheless.
	Agents() ([]*Agent, error)
}

// Sources are several sources as one: of each platform the first that has it
// gives the agent.
type Sources []Source

// Agents implements [Source].
func (s Sources) Agents() ([]*Agent, error) {
	var all []*Agent
	var faults []error
	seen := map[string]bool{}
	for _, source := range s {
		agents, err := source.Agents()
		faults = append(faults, err)
		for _, agent := range agents {
			if !seen[agent.Platform()] {
				seen[agent.Platform()] = true
				all = append(all, agent)
			}
		}
	}
	return all, errors.Join(faults...)
}

// Default returns the source that programs use, always the same.
//
// A program that calls [luagw.ServeIfAgent] sends itself to hosts of its own
// platform, so that fragments find its modules there, and luagw's plain agent
// to others. All other programs send the plain agent. That is looked for among
// the embedded ones, beside the program, and at last built by the Go toolchain.
// The luagw command sends itself only where there is nothing smaller.
func Default() Source { return defaultSource() }

var defaultSource = sync.OnceValue(func() Source {
	plain := Sources{Embedded{}, &Beside{}, &Toolchain{}}
	if _, ok := luagw.SelfAgent(); !ok {
		return plain
	}
	if isCommand() {
		return append(plain, &Self{})
	}
	return append(Sources{&Self{}}, plain...)
})
