package std

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"syscall"
	"time"

	glua "github.com/yuin/gopher-lua"
)

func processLibrary() Library {
	return Library{
		Name: "process",
		Funcs: map[string]glua.LGFunction{
			"env":     processEnv,
			"environ": processEnviron,
			"exists":  processExists,
			"lines":   processLines,
			"list":    processList,
			"pid":     processPid,
			"run":     processRun,
			"shell":   processShell,
			"start":   startProcess,
		},
	}
}

var (
	commonProcessOptions = []string{"dir", "env", "max_output", "merge", "stdin", "timeout", "user"}
	runOptions           = append([]string{"check", "detach"}, commonProcessOptions...)
	linesOptions         = append([]string{"check"}, commonProcessOptions...)
	startOptions         = append([]string{"detach"}, commonProcessOptions...)
)

func processRun(L *glua.LState) int {
	o := checkOptions(L, 2, runOptions...)
	return runCommand(L, o, checkCommand(L, o, checkArgv(L)))
}

func processShell(L *glua.LState) int {
	o := checkOptions(L, 2, runOptions...)
	return runCommand(L, o, checkCommand(L, o, shellCommand(L.CheckString(1))))
}

func runCommand(L *glua.LState, o options, c *command) int {
	c.stdin = o.string("stdin", "")
	check := o.bool("check", false)
	f := Of(L)
	res, err := c.run(f.Context())
	if err == nil && !c.detach {
		res.group.endWith(f)
	}
	if err == nil && check {
		err = c.verdict(res)
	}
	switch {
	case err == nil:
		L.Push(res.table(L, true))
		return 1
	case check:
		L.RaiseError("%s: %v", c, err)
	}
	return failed(L, fmt.Errorf("%s: %w", c, err))
}

// failed reports err: raised if the fragment was cancelled meanwhile, else as
// nil and a message.
func failed(L *glua.LState, err error) int {
	if ctx := Of(L).Context(); ctx.Err() != nil {
		L.RaiseError("%v", context.Cause(ctx))
	}
	return fail(L, err)
}

// maxComplaint is how much of a command's standard error an error repeats.
const maxComplaint = 4 << 10

// verdict is the error of a command that did not do well.
func (c *command) verdict(r *result) error {
	var text string
	switch {
	case r.timedOut:
		text = fmt.Sprintf("timed out after %v", c.timeout)
	case r.signal != "":
		text = "ended by " + r.signal
	case r.status != 0:
		text = fmt.Sprintf("exit status %d", r.status)
	default:
		return nil
	}
	complaint := r.stderr
	if c.merge {
		complaint = r.stdout
	}
	if len(complaint) > maxComplaint {
		complaint = complaint[len(complaint)-maxComplaint:]
	}
	if said := strings.TrimSpace(string(complaint)); said != "" {
		text += ": " + said
	}
	return errors.New(text)
}

// table is the result as fragments see it.
func (r *result) table(L *glua.LState, withOutput bool) *glua.LTable {
	t := L.CreateTable(0, 7)
	t.RawSetString("status", glua.LNumber(r.status))
	t.RawSetString("ok", glua.LBool(r.status == 0 && !r.timedOut))
	t.RawSetString("duration", glua.LNumber(r.duration.Seconds()))
	t.RawSetString("timed_out", glua.LBool(r.timedOut))
	if r.signal != "" {
		t.RawSetString("signal", glua.LString(r.signal))
	}
	if withOutput {
		t.RawSetString("stdout", glua.LString(r.stdout))
		t.RawSetString("stderr", glua.LString(r.stderr))
	}
	return t
}

// checkArgv returns argument 1, the words of a command.
func checkArgv(L *glua.LState) []string {
	if _, ok := L.Get(1).(glua.LString); ok {
		L.ArgError(1, `list of words expected, got string; a line for the shell goes to process.shell`)
	}
	list := L.CheckTable(1)
	argv := make([]string, 0, list.Len())
	list.ForEach(func(key, value glua.LValue) {
		if _, ok := key.(glua.LNumber); !ok {
			L.ArgError(1, fmt.Sprintf("unexpected field %q: options go into a table of their own, after the words", key.String()))
		}
		argv = append(argv, checkWord(L, len(argv)+1, key, value))
	})
	if len(argv) == 0 || argv[0] == "" {
		L.ArgError(1, "no program named")
	}
	return argv
}

func checkWord(L *glua.LState, place int, key, value glua.LValue) string {
	if key != glua.LNumber(place) {
		L.ArgError(1, fmt.Sprintf("word %d is nil", place))
	}
	if !glua.LVCanConvToString(value) {
		L.ArgError(1, fmt.Sprintf("word %d: string expected, got %s", place, value.Type()))
	}
	word := value.String()
	if strings.ContainsRune(word, 0) {
		L.ArgError(1, fmt.Sprintf("word %d: %q contains a zero byte", place, word))
	}
	return word
}

// checkCommand reads the options that all ways to run a command share, but
// for stdin.
func checkCommand(L *glua.LState, o options, argv []string) *command {
	return &command{
		argv:      argv,
		dir:       o.string("dir", ""),
		changes:   checkEnv(L, o),
		user:      o.string("user", ""),
		merge:     o.bool("merge", false),
		detach:    o.bool("detach", false),
		timeout:   checkTimeout(L, o.arg, "option \"timeout\"", o.get("timeout")),
		maxOutput: o.int("max_output", defaultMaxOutput, 1),
	}
}

// checkEnv reads the changes to the environment: strings and numbers set a
// variable, false takes it away.
func checkEnv(L *glua.LState, o options) map[string]*string {
	v := o.get("env")
	if v == glua.LNil {
		return nil
	}
	table, ok := v.(*glua.LTable)
	if !ok {
		o.refuse("env", "table", v)
	}
	changes := make(map[string]*string)
	table.ForEach(func(key, value glua.LValue) {
		name, isName := key.(glua.LString)
		text := value.String()
		switch {
		case !isName || name == "" || strings.ContainsAny(string(name), "=\x00"):
			L.ArgError(o.arg, fmt.Sprintf("option \"env\": %q cannot be the name of a variable", key.String()))
		case value == glua.LFalse:
			changes[string(name)] = nil
			return
		case !glua.LVCanConvToString(value):
			L.ArgError(o.arg, fmt.Sprintf("option \"env\": %s: string or false expected, got %s", name, value.Type()))
		case strings.ContainsRune(text, 0):
			L.ArgError(o.arg, fmt.Sprintf("option \"env\": %s contains a zero byte", name))
		}
		changes[string(name)] = &text
	})
	return changes
}

// checkTimeout reads a time limit: seconds, or a text such as "1m30s". It
// returns 0 for nil, and at least a nanosecond otherwise.
func checkTimeout(L *glua.LState, arg int, what string, v glua.LValue) time.Duration {
	var seconds float64
	switch v := v.(type) {
	case *glua.LNilType:
		return 0
	case glua.LNumber:
		seconds = float64(v)
	case glua.LString:
		parsed, err := parseDuration(string(v))
		if err != nil {
			L.ArgError(arg, fmt.Sprintf("%s: %v", what, err))
		}
		seconds = parsed
	default:
		L.ArgError(arg, fmt.Sprintf("%s: seconds expected, got %s", what, v.Type()))
	}
	if !(seconds >= 0) {
		L.ArgError(arg, fmt.Sprintf("%s: %v is no time to wait", what, seconds))
	}
	if seconds > math.MaxInt64/1e9 {
		return math.MaxInt64
	}
	return max(1, time.Duration(seconds*1e9))
}

func startProcess(L *glua.LState) int {
	o := checkOptions(L, 2, startOptions...)
	c := checkCommand(L, o, checkArgv(L))
	piped := o.get("stdin") == glua.LTrue
	if !piped {
		c.stdin = o.string("stdin", "")
	}
	h, err := c.start(Of(L), piped)
	if err != nil {
		return failed(L, fmt.Errorf("%s: %w", c, err))
	}
	L.Push(h.value(L))
	return 1
}

func processLines(L *glua.LState) int {
	o := checkOptions(L, 2, linesOptions...)
	c := checkCommand(L, o, checkArgv(L))
	c.stdin = o.string("stdin", "")
	check := o.bool("check", false)
	h, err := c.start(Of(L), false)
	if err != nil {
		return failed(L, fmt.Errorf("%s: %w", c, err))
	}
	L.Push(L.NewFunction(func(L *glua.LState) int { return h.next(L, check) }))
	L.Push(h.value(L))
	return 2
}

// next is the iterator over a command's output. With check it raises at the
// end if the command failed.
func (h *handle) next(L *glua.LState, check bool) int {
	line, err := h.readLine(0)
	if err == nil {
		L.Push(glua.LString(line.text))
		L.Push(glua.LString(line.stream))
		return 2
	}
	if !errors.Is(err, errNoMore) {
		L.RaiseError("%s: %v", h.command, err)
	}
	if !check {
		L.Push(glua.LNil)
		return 1
	}
	res, err := h.wait(0)
	if err == nil {
		err = h.command.verdict(res)
	}
	if err != nil {
		L.RaiseError("%s: %v", h.command, err)
	}
	L.Push(glua.LNil)
	return 1
}

const handleType = "process.handle"

var handleMethods = map[string]glua.LGFunction{
	"close_stdin": handleCloseStdin,
	"kill":        handleKill,
	"lines":       handleLines,
	"read_line":   handleReadLine,
	"wait":        handleWait,
	"write":       handleWrite,
}

// value is the handle as fragments see it.
func (h *handle) value(L *glua.LState) glua.LValue {
	return &glua.LUserData{Value: h, Metatable: typeMetatable(L, handleType, setUpHandle)}
}

func setUpHandle(L *glua.LState, mt *glua.LTable) {
	methods := L.SetFuncs(L.NewTable(), handleMethods)
	mt.RawSetString("__index", L.NewFunction(func(L *glua.LState) int {
		h, key := checkHandle(L), L.CheckString(2)
		if key == "pid" {
			L.Push(glua.LNumber(h.job.cmd.Process.Pid))
			return 1
		}
		L.Push(methods.RawGetString(key))
		return 1
	}))
	mt.RawSetString("__tostring", L.NewFunction(func(L *glua.LState) int {
		h := checkHandle(L)
		L.Push(glua.LString(fmt.Sprintf("process %d: %s", h.job.cmd.Process.Pid, h.command)))
		return 1
	}))
}

func checkHandle(L *glua.LState) *handle {
	if ud, ok := L.Get(1).(*glua.LUserData); ok {
		if h, ok := ud.Value.(*handle); ok {
			return h
		}
	}
	L.ArgError(1, "process handle expected; methods are called with a colon, as p:wait()")
	return nil
}

func handleReadLine(L *glua.LState) int {
	h := checkHandle(L)
	line, err := h.readLine(checkTimeout(L, 2, "timeout", L.Get(2)))
	if err != nil {
		return failed(L, err)
	}
	L.Push(glua.LString(line.text))
	L.Push(glua.LString(line.stream))
	return 2
}

func handleLines(L *glua.LState) int {
	h := checkHandle(L)
	L.Push(L.NewFunction(func(L *glua.LState) int { return h.next(L, false) }))
	return 1
}

func handleWrite(L *glua.LState) int {
	h, data := checkHandle(L), L.CheckString(2)
	if h.stdin == nil {
		L.ArgError(1, "standard input is no pipe; start the process with {stdin = true}")
	}
	if err := h.write(data); err != nil {
		return failed(L, err)
	}
	L.Push(glua.LTrue)
	return 1
}

func handleCloseStdin(L *glua.LState) int {
	h := checkHandle(L)
	if h.stdin != nil {
		_ = h.stdin.Close() // nothing is buffered that could be lost
	}
	L.Push(glua.LTrue)
	return 1
}

func handleWait(L *glua.LState) int {
	h := checkHandle(L)
	res, err := h.wait(checkTimeout(L, 2, "timeout", L.Get(2)))
	if err != nil {
		return failed(L, err)
	}
	L.Push(res.table(L, false))
	return 1
}

func handleKill(L *glua.LState) int {
	h := checkHandle(L)
	if err := h.kill(checkSignal(L, 2)); err != nil {
		return fail(L, err)
	}
	L.Push(glua.LTrue)
	return 1
}

// checkSignal reads a signal by name or number; SIGTERM if there is none.
func checkSignal(L *glua.LState, arg int) syscall.Signal {
	switch v := L.Get(arg).(type) {
	case *glua.LNilType:
		return syscall.SIGTERM
	case glua.LNumber:
		return syscall.Signal(v)
	}
	sig, err := parseSignal(L.CheckString(arg))
	if err != nil {
		L.ArgError(arg, err.Error())
	}
	return sig
}

func processExists(L *glua.LState) int {
	path, err := lookPath(L.CheckString(1), os.Getenv("PATH"))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return fail(L, err)
	}
	L.Push(glua.LString(path))
	return 1
}

func processPid(L *glua.LState) int {
	L.Push(glua.LNumber(os.Getpid()))
	return 1
}

func processEnv(L *glua.LState) int {
	value, ok := os.LookupEnv(L.CheckString(1))
	if !ok {
		L.Push(L.Get(2))
		return 1
	}
	L.Push(glua.LString(value))
	return 1
}

func processEnviron(L *glua.LState) int {
	t := L.NewTable()
	for name, value := range environment() {
		t.RawSetString(name, glua.LString(value))
	}
	L.Push(t)
	return 1
}
