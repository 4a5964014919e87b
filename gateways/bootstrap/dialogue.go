package bootstrap

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/agents"
)

// report acts upon a report of bootstrap.sh. The error ends it all.
func (c *connection) report(text string) error {
	verb, rest, _ := strings.Cut(text, " ")
	switch verb {
	case "run":
		c.phase, c.doing = running, cleanReason(rest)
		return nil
	case "want":
		return c.want(rest)
	case "cannot":
		return fmt.Errorf("the far side cannot take an agent: %s", cleanReason(rest))
	case "failed":
		return fmt.Errorf("no place for the agent on the far side: %s", cleanReason(rest))
	}
	return fmt.Errorf("the far side says %q", cleanReason(text))
}

// want sends the agent: the far side has none, or could not keep the last in
// the place that it chose.
func (c *connection) want(rest string) error {
	fields := strings.SplitN(rest, " ", 3)
	if len(fields) != 3 {
		return fmt.Errorf("the far side wants %q", cleanReason(rest))
	}
	pid, unpacker, uname := fields[0], fields[1], fields[2]
	if _, err := strconv.ParseUint(pid, 10, 63); err != nil {
		return fmt.Errorf("the far side wants %q", cleanReason(rest))
	}
	if c.wants++; c.wants > maxWants {
		return fmt.Errorf("the far side wants an agent for the %dth time", c.wants)
	}
	c.phase, c.doing = sending, "none is sent yet"
	image, err := c.image(cleanReason(uname))
	if err != nil {
		return err
	}
	return c.send(pid, unpacker, image)
}

// image returns the agent for a host.
func (c *connection) image(uname string) (*agents.Image, error) {
	all, missing := c.source.Agents()
	goos, goarch, _ := platformOf(uname)
	var names []string
	for _, agent := range all {
		if agent.OS == goos && agent.Arch == goarch {
			image, err := c.load(agent)
			if err != nil {
				return nil, fmt.Errorf("the agent for %s, %s: %w", agent.Platform(), agent.Origin, err)
			}
			return image, nil
		}
		names = append(names, agent.Platform())
	}
	err := fmt.Errorf("there is no agent for the far side, which is %s; there are %s", uname, orNone(names))
	if missing != nil {
		err = fmt.Errorf("%w (%s)", err, strings.ReplaceAll(missing.Error(), "\n", "; "))
	}
	return nil, err
}

func (c *connection) load(agent *agents.Agent) (*agents.Image, error) {
	c.loading.Store(true)
	defer c.loading.Store(false)
	ctx, cancel := context.WithTimeout(c.ctx, loadTime)
	defer cancel()
	return agent.Load(ctx)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// send writes a line that tells of the agent, the agent, and again what was
// written ahead, for the far side has skipped that. Where it does not take it
// all, it says why, or ends.
func (c *connection) send(pid, unpacker string, image *agents.Image) error {
	body, size := io.Reader(bytes.NewReader(image.Gzip)), int64(len(image.Gzip))
	if unpacker != "gzip" {
		plain, err := image.Open()
		if err != nil {
			return err
		}
		body, size = plain, image.Size
	}
	mark := "\nluagw-agent " + pid + " "
	c.writing.Lock()
	defer c.writing.Unlock()
	ahead := c.kept()
	if bytes.Contains(ahead, []byte(mark)) {
		return errors.New("what was written ahead of the agent looks like its announcement")
	}
	head := fmt.Sprintf("%s%s %d %s\n", mark, image.Hash, size, rand.Text())
	c.copy(io.MultiReader(strings.NewReader(head), body, bytes.NewReader(ahead)), size)
	return nil
}

// copy writes what r has, and keeps account for errors.
func (c *connection) copy(r io.Reader, size int64) {
	buf := make([]byte, 32<<10)
	var sent int64
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if _, err := c.raw.Write(buf[:n]); err != nil {
				return
			}
		}
		sent += int64(n)
		c.sent.Add(int64(n))
		c.doing = fmt.Sprintf("%d of %d KiB are sent", min(sent, size)>>10, size>>10)
		if err != nil {
			return
		}
	}
}

// ended tells what it means that the connection ends with err here.
func (c *connection) ended(err error) error {
	var what string
	switch c.phase {
	case unheard:
		what = "the far side ended before it ran sh: its login shell refuses, or an rc file of it exits"
		if c.spec.Kind == "exec" { // most have no login shell
			what = "the command ended before it ran sh"
		}
	case sending:
		what = "the far side ended while the agent was sent: " + c.doing
	case running:
		what = "the agent does not start there: " + c.doing
		if c.ctx.Err() == nil && c.misfits() {
			what = "the agent is for a processor that the far side does not have, whatever its uname says: " + c.doing
		}
	}
	switch {
	case c.ctx.Err() != nil:
		return &interrupted{c.unfinished()}
	case errors.Is(err, io.EOF):
		return errors.New(what)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// misfits reports whether the system on the far side has not taken the agent for
// an executable. Most shells say so. Busybox's and yash read it as a script, and
// stumble over its first bytes: they name the first, or a line of the agent.
func (c *connection) misfits() bool {
	ctx, cancel := context.WithTimeout(c.ctx, exitTime)
	defer cancel()
	words := c.Exit(ctx).Stderr
	if strings.Contains(words, "ELF") || strings.Contains(strings.ToLower(words), "format error") {
		return true
	}
	_, file, _ := strings.Cut(c.doing, ": ")
	_, at, named := strings.Cut(words, file+": line ")
	return named && at != "" && '0' <= at[0] && at[0] <= '9'
}

// unfinished tells what was waited for when this side gave up.
func (c *connection) unfinished() string {
	switch c.phase {
	case sending:
		return "the agent is being sent: " + c.doing
	case running:
		return "the agent was started and says nothing: " + c.doing
	}
	return "the far side has not run sh yet"
}

// interrupted is the error of what Close has ended.
type interrupted struct{ doing string }

func (e *interrupted) Error() string { return e.doing }
func (e *interrupted) Unwrap() error { return luagw.ErrClosed }
