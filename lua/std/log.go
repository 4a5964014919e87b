package std

import (
	"strconv"
	"strings"
	"unicode/utf8"

	glua "github.com/yuin/gopher-lua"
)

// logLevels are in the order of their weight.
var logLevels = []string{"debug", "info", "warn", "error"}

const (
	logLevelKey     = "luagw.log.level"
	defaultLogLevel = 1
)

// logLibrary writes lines of key=value pairs to where print writes.
func logLibrary() Library {
	funcs := map[string]glua.LGFunction{"level": logLevel}
	for i, name := range logLevels {
		funcs[name] = logAt(i)
	}
	return Library{Name: "log", Funcs: funcs}
}

// currentLevel is kept in the state, so that it ends with the fragment.
func currentLevel(L *glua.LState) int {
	if level, ok := L.G.Registry.RawGetString(logLevelKey).(glua.LNumber); ok {
		return int(level)
	}
	return defaultLogLevel
}

// logLevel is log.level(name): it returns the level that held before.
func logLevel(L *glua.LState) int {
	before := currentLevel(L)
	if L.Get(1) != glua.LNil {
		L.G.Registry.RawSetString(logLevelKey, glua.LNumber(checkLevel(L, 1)))
	}
	L.Push(glua.LString(logLevels[before]))
	return 1
}

func checkLevel(L *glua.LState, arg int) int {
	name := L.CheckString(arg)
	for i, known := range logLevels {
		if name == known {
			return i
		}
	}
	L.ArgError(arg, unknownName("level", name, logLevels))
	return 0
}

func logAt(level int) glua.LGFunction {
	return func(L *glua.LState) int {
		message := L.ToStringMeta(L.CheckAny(1)).String()
		fields := L.OptTable(2, nil)
		if level < currentLevel(L) {
			return 0
		}
		line := "level=" + logLevels[level] + " msg=" + quoteField(message)
		if fields != nil {
			line += logFields(L, fields)
		}
		// A line that cannot get home is no reason to stop the work.
		Of(L).Output().Write([]byte(line + "\n"))
		return 0
	}
}

// logFields renders fields sorted by name.
func logFields(L *glua.LState, fields *glua.LTable) string {
	members, err := jsonMembers(fields)
	if err != nil {
		L.ArgError(2, "fields: "+err.text)
	}
	sortMembers(members)
	var b strings.Builder
	for _, m := range members {
		b.WriteString(" " + quoteField(m.name) + "=" + quoteField(fieldText(L, m.value)))
	}
	return b.String()
}

// fieldText renders tables and null as JSON, as tostring says nothing of them.
func fieldText(L *glua.LState, v glua.LValue) string {
	if v.Type() == glua.LTTable || IsNull(v) {
		e := jsonEncoder{sorted: true}
		if e.encode(v) == nil {
			return string(e.buf)
		}
	}
	return L.ToStringMeta(v).String()
}

// quoteField quotes what would not read back as one word.
func quoteField(s string) string {
	plain := s != ""
	for _, r := range s {
		plain = plain && r > ' ' && r != '=' && r != '"' && r != utf8.RuneError && strconv.IsPrint(r)
	}
	if plain {
		return s
	}
	return strconv.Quote(s)
}
