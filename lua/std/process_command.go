package std

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/luagw/luagw/internal/allow"
)

// defaultMaxOutput bounds what is kept of a child's output, for each stream.
const defaultMaxOutput = 64 << 20

// lingering is how long the output of a child is read on after its end. What
// the child itself wrote is in the pipe by then; only what it left behind can
// keep the pipe open.
const lingering = time.Second

// command says what to run and how. The zero value of each field but argv
// means nothing special.
type command struct {
	argv      []string
	dir       string
	changes   map[string]*string // to the environment; nil removes
	user      string
	stdin     string
	merge     bool
	detach    bool
	timeout   time.Duration
	maxOutput int // bytes of each stream; defaultMaxOutput if 0
}

// String is the command as one would type it.
func (c *command) String() string {
	words := make([]string, len(c.argv))
	for i, arg := range c.argv {
		words[i] = shellQuote(arg)
	}
	return strings.Join(words, " ")
}

// outputLimit is the number of bytes to keep of each stream.
func (c *command) outputLimit() int {
	if c.maxOutput == 0 {
		return defaultMaxOutput
	}
	return c.maxOutput
}

// bounded returns ctx with the command's time limit.
func (c *command) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, c.timeout, errTimedOut)
}

// prepare returns the command ready to be given its streams. The zero streams
// are the null device, so that a child never sees those of this process.
func (c *command) prepare(ctx context.Context) (*exec.Cmd, error) {
	cmd := &exec.Cmd{Args: c.argv, Dir: c.dir, WaitDelay: lingering}
	isolate(cmd, c.detach)
	env := environment()
	if c.user != "" {
		a, err := new(accounts).user(ctx, c.user)
		if err != nil {
			return nil, fmt.Errorf("run as %q: %w", c.user, err)
		}
		if err := become(cmd, a); err != nil {
			return nil, err
		}
		maps.Copy(env, map[string]string{"HOME": a.home, "USER": a.name, "LOGNAME": a.name, "SHELL": a.shell})
	}
	c.change(env)
	cmd.Env = joinEnvironment(env)
	if err := checkDir(c.dir); err != nil {
		return nil, err
	}
	program, err := lookPath(c.argv[0], env["PATH"])
	cmd.Path = program
	if err == nil {
		err = permitted(allow.Exec, programIn(c.dir, program))
	}
	return cmd, err
}

// programIn is where a program lies that a command names which runs in dir.
func programIn(dir, program string) string {
	if dir == "" || filepath.IsAbs(program) {
		return program
	}
	return dir + string(filepath.Separator) + program
}

func (c *command) change(env map[string]string) {
	for name, value := range c.changes {
		if value == nil {
			delete(env, name)
			continue
		}
		env[name] = *value
	}
}

// begin starts the child. It is killed, with its group, when ctx ends. onExit
// is called once it has ended.
func (c *command) begin(ctx context.Context, cmd *exec.Cmd, onExit func()) (*job, error) {
	started := time.Now()
	if err := spawn(cmd, c.detach); err != nil {
		return nil, fmt.Errorf("start %s: %w", shellQuote(c.argv[0]), startCause(cmd.Path, err))
	}
	j := &job{cmd: cmd, group: newProcessGroup(cmd.Process), started: started, exited: make(chan struct{})}
	j.watch(ctx, onExit)
	return j, nil
}

// startCause explains the error that is most puzzling: the program is there,
// but what should run it is not.
func startCause(path string, err error) error {
	if _, statErr := os.Stat(path); statErr == nil && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%q is there, but the interpreter or loader that it names is not", path)
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// run runs the command to its end and gathers its output. An error means that
// there is no result: it did not start, wrote too much, or ctx ended.
func (c *command) run(ctx context.Context) (*result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	bounded, stop := c.bounded(ctx)
	defer stop()
	cmd, err := c.prepare(ctx)
	if err != nil {
		return nil, err
	}
	stdout := &cappedBuffer{name: "standard output", max: c.outputLimit(), overflow: cancel}
	stderr := &cappedBuffer{name: "standard error", max: c.outputLimit(), overflow: cancel}
	c.connect(cmd, stdout, stderr)
	j, err := c.begin(bounded, cmd, func() {})
	if err != nil {
		return nil, err
	}
	if err := j.wait(bounded); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	res := j.result()
	res.group, res.stdout, res.stderr = j.group, stdout.take(), stderr.take()
	return res, nil
}

// connect gives cmd its streams.
func (c *command) connect(cmd *exec.Cmd, stdout, stderr io.Writer) {
	if c.stdin != "" {
		cmd.Stdin = strings.NewReader(c.stdin)
	}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if c.merge {
		cmd.Stderr = stdout
	}
}

// environment is that of this process, by name.
func environment() map[string]string {
	env := make(map[string]string)
	for _, entry := range os.Environ() {
		// Windows has names which begin with "=".
		if i := strings.Index(entry[min(1, len(entry)):], "="); i >= 0 {
			env[entry[:i+1]] = entry[i+2:]
		}
	}
	return env
}

func joinEnvironment(env map[string]string) []string {
	entries := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		entries = append(entries, name+"="+env[name])
	}
	return entries
}

// checkDir finds out what the kernel would not tell apart from a missing
// program.
func checkDir(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "chdir", Path: dir, Err: errors.New("not a directory")}
	}
	return err
}

// lookPath finds a program in the directories of path, which is that of the
// child and not of this process. A name with a slash is itself.
func lookPath(name, path string) (string, error) {
	if runtime.GOOS == "windows" {
		return exec.LookPath(name)
	}
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range filepath.SplitList(path) {
		program := filepath.Join(dir, name)
		if info, err := os.Stat(program); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return program, nil
		}
	}
	return "", fmt.Errorf("%q: not found in PATH %q", name, path)
}
