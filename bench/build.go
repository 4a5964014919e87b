package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	modulePath   = "github.com/luagw/luagw"
	agentPackage = modulePath + "/cmd/luagw-agent"
	echoPackage  = modulePath + "/bench/echo"
)

// buildAgent builds the agent into dir, as it is shipped.
func buildAgent(ctx context.Context, dir string) (string, error) {
	source, err := moduleDir()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "make", "-C", source, "agent", "BIN="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make agent: %w\n%s", err, out)
	}
	return filepath.Join(dir, path.Base(agentPackage)), nil
}

// buildProgram builds a program of this module into dir and returns its path.
func buildProgram(ctx context.Context, dir, pkg string) (string, error) {
	program := filepath.Join(dir, path.Base(pkg))
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return program, nil
}

// moduleDir is where this module's sources are.
func moduleDir() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", modulePath).Output()
	if err != nil {
		return "", fmt.Errorf("find the sources of %s: %w", modulePath, err)
	}
	return strings.TrimSpace(string(out)), nil
}
