//go:build unix

package testhosts

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// dockerTime is for one command of the engine's client, which takes tenths of
// seconds.
const dockerTime = 30 * time.Second

// docker runs the engine's client and returns what it writes, trimmed.
func docker(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dockerTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("no answer within %v", dockerTime)
	}
	if err != nil {
		said := strings.TrimSpace(stderr.String())
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, said)
	}
	return strings.TrimSpace(stdout.String()), nil
}
