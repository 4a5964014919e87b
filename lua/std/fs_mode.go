package std

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// The bits of a mode as chmod numbers them.
const (
	bitsSetuid = 0o4000
	bitsSetgid = 0o2000
	bitsSticky = 0o1000
	bitsAll    = 0o7777
)

// modeBits numbers a mode as chmod does.
func modeBits(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	if m&fs.ModeSetuid != 0 {
		bits |= bitsSetuid
	}
	if m&fs.ModeSetgid != 0 {
		bits |= bitsSetgid
	}
	if m&fs.ModeSticky != 0 {
		bits |= bitsSticky
	}
	return bits
}

// fileMode is the reverse of modeBits.
func fileMode(bits uint32) fs.FileMode {
	m := fs.FileMode(bits & 0o777)
	if bits&bitsSetuid != 0 {
		m |= fs.ModeSetuid
	}
	if bits&bitsSetgid != 0 {
		m |= fs.ModeSetgid
	}
	if bits&bitsSticky != 0 {
		m |= fs.ModeSticky
	}
	return m
}

// modeChange computes a file's new mode from its old one.
type modeChange func(old fs.FileMode) fs.FileMode

// parseMode reads a mode: a number, a string of octal digits or, where
// symbolic is set, changes such as "u+x,go-w".
func parseMode(v glua.LValue, symbolic bool) (modeChange, error) {
	switch v := v.(type) {
	case glua.LNumber:
		bits, err := modeNumber(v)
		return setMode(bits), err
	case glua.LString:
		return parseModeText(string(v), symbolic)
	}
	return nil, fmt.Errorf("mode expected, as \"0644\", got %s", v.Type())
}

func setMode(bits uint32) modeChange {
	return func(fs.FileMode) fs.FileMode { return fileMode(bits) }
}

// modeNumber takes a number as it is, but for those which can only come of
// digits meant as octal: Lua has no octal literals and reads 0644 as 644, which
// would be the nonsense mode 1204.
func modeNumber(v glua.LNumber) (uint32, error) {
	if v < 0 || v > bitsAll || v != glua.LNumber(uint32(v)) {
		return 0, fmt.Errorf("mode %v is out of range", v)
	}
	if bits := uint32(v); bits < bitsSticky || bits > 777 {
		return bits, nil
	}
	return 0, fmt.Errorf("mode %v is octal %o; write it as a string, \"0%v\"", v, uint32(v), v)
}

func parseModeText(s string, symbolic bool) (modeChange, error) {
	if bits, err := strconv.ParseUint(s, 8, 32); err == nil && bits <= bitsAll {
		return setMode(uint32(bits)), nil
	}
	if !symbolic || s == "" {
		return nil, fmt.Errorf("mode %q: octal digits expected, as \"0644\"", s)
	}
	var changes []modeChange
	for clause := range strings.SplitSeq(s, ",") {
		change, err := parseModeClause(clause)
		if err != nil {
			return nil, fmt.Errorf("mode %q: %w", s, err)
		}
		changes = append(changes, change...)
	}
	return func(old fs.FileMode) fs.FileMode {
		for _, change := range changes {
			old = change(old)
		}
		return old
	}, nil
}

// parseModeClause reads one of the clauses between commas, as "go+rX-w".
func parseModeClause(clause string) ([]modeChange, error) {
	who := clause[:len(clause)-len(strings.TrimLeft(clause, "ugoa"))]
	rest := clause[len(who):]
	if rest == "" || !strings.ContainsRune("+-=", rune(rest[0])) {
		return nil, fmt.Errorf("%q: one of + - = expected, as in \"u+x\"", clause)
	}
	var changes []modeChange
	for rest != "" {
		op := rest[0]
		rest = rest[1:]
		end := strings.IndexAny(rest, "+-=")
		if end < 0 {
			end = len(rest)
		}
		perms := rest[:end]
		rest = rest[end:]
		if i := strings.IndexFunc(perms, func(r rune) bool { return !strings.ContainsRune("rwxXst", r) }); i >= 0 {
			return nil, fmt.Errorf("%q: unknown permission %q", clause, perms[i:i+1])
		}
		changes = append(changes, symbolicChange(who, op, perms))
	}
	return changes, nil
}

func symbolicChange(who string, op byte, perms string) modeChange {
	return func(old fs.FileMode) fs.FileMode {
		bits := modeBits(old)
		mask := whoMask(who)
		given := permBits(perms, old) & mask
		switch op {
		case '+':
			bits |= given
		case '-':
			bits &^= given
		default:
			bits = bits&^mask | given
		}
		return fileMode(bits)
	}
}

// whoMask is the bits that u, g, o and a may change; no letter means all of
// them.
func whoMask(who string) uint32 {
	if who == "" || strings.Contains(who, "a") {
		return bitsAll
	}
	var mask uint32
	for _, r := range who {
		switch r {
		case 'u':
			mask |= bitsSetuid | 0o700
		case 'g':
			mask |= bitsSetgid | 0o070
		case 'o':
			mask |= bitsSticky | 0o007
		}
	}
	return mask
}

// permBits is what the letters mean, for everybody.
func permBits(perms string, old fs.FileMode) uint32 {
	var bits uint32
	for _, r := range perms {
		switch r {
		case 'r':
			bits |= 0o444
		case 'w':
			bits |= 0o222
		case 'x':
			bits |= 0o111
		case 'X': // only where somebody may already, or of a directory
			if old.IsDir() || old&0o111 != 0 {
				bits |= 0o111
			}
		case 's':
			bits |= bitsSetuid | bitsSetgid
		case 't':
			bits |= bitsSticky
		}
	}
	return bits
}

// mode returns the option "mode", nil if it was not given.
func (o options) mode() modeChange {
	v := o.get("mode")
	if v == glua.LNil {
		return nil
	}
	change, err := parseMode(v, false)
	if err != nil {
		o.L.ArgError(o.arg, "option \"mode\": "+err.Error())
	}
	return change
}

func fsChmod(L *glua.LState) int {
	path := L.CheckString(1)
	change, err := parseMode(L.Get(2), true)
	if err != nil {
		L.ArgError(2, err.Error())
	}
	info, err := os.Stat(path)
	if err == nil {
		err = os.Chmod(path, change(info.Mode()))
	}
	return pushDone(L, err)
}
