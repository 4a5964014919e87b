package std

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/luagw/luagw/internal/allow"
	glua "github.com/yuin/gopher-lua"
)

// OSLibrary is Lua 5.1's os, with setenv. It differs from C's in this:
// os.exit ends the fragment and not the process, by raising an [ExitError];
// os.execute returns the command's exit status, and what the command writes
// goes home. The environment is that of the agent: what os.setenv sets, later
// fragments and their commands see.
func OSLibrary() Library {
	return Library{
		Name: "os",
		Funcs: guarded(map[string]glua.LGFunction{
			"clock":     osClock,
			"date":      osDate,
			"difftime":  osDiffTime,
			"execute":   osExecute,
			"exit":      osExit,
			"getenv":    osGetEnv,
			"remove":    osRemove,
			"rename":    osRename,
			"setenv":    osSetEnv,
			"setlocale": osSetLocale,
			"time":      osTime,
			"tmpname":   osTmpName,
		}, map[string][]guard{
			"remove": fsGuards["remove"],
			"rename": renameGuards,
		}),
	}
}

// ExitError is what os.exit raises.
type ExitError struct {
	Code int // the argument of os.exit; 0 if it had none
}

func (e *ExitError) Error() string { return fmt.Sprintf("os.exit(%d)", e.Code) }

// ExitCode returns the code of an [ExitError] that a fragment raised, ok being
// whether v is one.
func ExitCode(v glua.LValue) (code int, ok bool) {
	ud, ok := v.(*glua.LUserData)
	if !ok {
		return 0, false
	}
	exit, ok := ud.Value.(*ExitError)
	if !ok {
		return 0, false
	}
	return exit.Code, true
}

const exitType = "os.exit"

// osExit is os.exit([code]). As in later versions of Lua, true is 0 and false
// is 1.
func osExit(L *glua.LState) int {
	exit := &ExitError{}
	switch L.Get(1) {
	case glua.LTrue:
	case glua.LFalse:
		exit.Code = 1
	default:
		exit.Code = L.OptInt(1, 0)
	}
	L.Error(&glua.LUserData{Value: exit, Metatable: typeMetatable(L, exitType, setUpExit)}, 1)
	return 0
}

func setUpExit(L *glua.LState, mt *glua.LTable) {
	mt.RawSetString("__tostring", L.NewFunction(func(L *glua.LState) int {
		code, _ := ExitCode(L.Get(1))
		L.Push(glua.LString((&ExitError{code}).Error()))
		return 1
	}))
}

// osClock is os.clock(): the processor time of this process in seconds.
func osClock(L *glua.LState) int {
	L.Push(glua.LNumber(processorTime().Seconds()))
	return 1
}

// osExecute is os.execute([line]). Without a line it tells whether there is a
// shell, by 1 or 0; of a line that cannot be run it returns -1 and a message.
func osExecute(L *glua.LState) int {
	if L.Get(1) == glua.LNil {
		L.Push(glua.LNumber(shellCount()))
		return 1
	}
	status, err := Execute(Of(L), L.CheckString(1))
	if err == nil {
		L.Push(glua.LNumber(status))
		return 1
	}
	raiseCancelled(L)
	L.Push(glua.LNumber(-1))
	L.Push(glua.LString(err.Error()))
	return 2
}

func shellCount() int {
	shell, err := lookPath(shellCommand("")[0], os.Getenv("PATH"))
	if err == nil {
		_, err = os.Stat(shell)
	}
	if err != nil {
		return 0
	}
	return 1
}

func osGetEnv(L *glua.LState) int {
	value, ok := os.LookupEnv(L.CheckString(1))
	if !ok {
		L.Push(glua.LNil)
		return 1
	}
	L.Push(glua.LString(value))
	return 1
}

func osSetEnv(L *glua.LState) int {
	name := L.CheckString(1)
	return pushOutcome(L, name, os.Setenv(name, L.CheckString(2)))
}

func osRemove(L *glua.LState) int {
	path := L.CheckString(1)
	return pushOutcome(L, path, os.Remove(path))
}

func osRename(L *glua.LState) int {
	from, to := L.CheckString(1), L.CheckString(2)
	return pushOutcome(L, from, os.Rename(from, to))
}

// localeCategories are what os.setlocale may set.
var localeCategories = []string{"all", "collate", "ctype", "monetary", "numeric", "time"}

// osSetLocale is os.setlocale([locale [, category]]). There is no locale but C.
func osSetLocale(L *glua.LState) int {
	locale, category := L.OptString(1, "C"), L.OptString(2, "all")
	if !slices.Contains(localeCategories, category) {
		L.ArgError(2, fmt.Sprintf("invalid category %q (must be one of %s)", category, strings.Join(localeCategories, ", ")))
	}
	if locale != "C" && locale != "POSIX" && locale != "" {
		L.Push(glua.LNil)
		return 1
	}
	L.Push(glua.LString("C"))
	return 1
}

// osTmpName is os.tmpname(): the name of a new, empty file. As in C, nobody
// else can have made it, and nobody removes it.
func osTmpName(L *glua.LState) int {
	var f *os.File
	err := permitted(allow.Write, os.TempDir())
	if err == nil {
		f, err = os.CreateTemp("", "lua_*")
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		L.RaiseError("unable to generate a unique filename: %v", err)
	}
	L.Push(glua.LString(f.Name()))
	return 1
}
