package main

import (
	"fmt"
	"strings"

	"github.com/luagw/luagw"
)

// target is where a fragment is to run.
type target struct {
	spec   *luagw.Spec
	via    *target       // through which it is reached; nil if straight from here
	bridge bool          // others are reached through it
	opened chan struct{} // closed when opening it has succeeded or failed
}

// parseTargets parses specs, one popen if there are none, and gives an id to
// each. Errors are usage errors.
func parseTargets(specs []string) ([]*target, error) {
	if len(specs) == 0 {
		specs = []string{"popen"}
	}
	targets := make([]*target, len(specs))
	byID := map[string]*target{}
	for i, text := range specs {
		spec, err := luagw.ParseSpec(text)
		if err != nil {
			return nil, usageError("%w", err)
		}
		if spec.ID != "" && byID[spec.ID] != nil {
			return nil, usageError("target %q: id %q is another target's too", text, spec.ID)
		}
		targets[i] = &target{spec: spec, opened: make(chan struct{})}
		if spec.ID != "" {
			byID[spec.ID] = targets[i]
		}
	}
	nameTargets(targets, byID)
	return targets, linkTargets(targets, byID)
}

// nameTargets gives ids to targets without one: the host's name, where one
// target has it, or a number by the place on the command line. (A group would
// number them as they happen to be opened.)
func nameTargets(targets []*target, byID map[string]*target) {
	for i, t := range targets {
		if t.spec.ID != "" {
			continue
		}
		id := hostOf(t.spec)
		for n := i; id == "" || byID[id] != nil; n++ {
			id = fmt.Sprintf("gw%d", n)
		}
		t.spec.ID = id
		byID[id] = t
	}
}

// hostOf is the host's name in a spec, without the user's; empty if it has none.
func hostOf(spec *luagw.Spec) string {
	if spec.Kind != "ssh" && spec.Kind != "tcp" {
		return ""
	}
	return spec.Target[strings.LastIndexByte(spec.Target, '@')+1:]
}

// linkTargets finds the targets that others go through.
func linkTargets(targets []*target, byID map[string]*target) error {
	for _, t := range targets {
		if t.spec.Via == "" {
			continue
		}
		t.via = byID[t.spec.Via]
		if t.via == nil {
			return usageError("target %q: via: no target has the id %q", t.spec, t.spec.Via)
		}
		t.via.bridge = true
	}
	for _, t := range targets {
		for n, at := 0, t; at.via != nil; n, at = n+1, at.via {
			if n > len(targets) {
				return usageError("target %q: via: the way leads in a circle", t.spec)
			}
		}
	}
	return nil
}
