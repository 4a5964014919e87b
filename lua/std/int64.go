package std

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// maxExact is the largest n for which a Lua number, a float64, holds each
// whole number up to n.
const maxExact = 1 << 53

// Int64 is a whole number from -2^63 to 2^64-1, exact where a Lua number would
// round. In a fragment it is a userdata which calculates and compares as
// numbers do, and raises instead of overflowing. It never changes.
type Int64 struct {
	negative  bool // never with magnitude 0
	magnitude uint64
}

const int64Type = "luagw.int64"

// NewInt64 returns v as a value for L.
func NewInt64(L *glua.LState, v int64) glua.LValue { return int64Of(v).value(L) }

// NewUint64 returns v as a value for L.
func NewUint64(L *glua.LState, v uint64) glua.LValue { return Int64{magnitude: v}.value(L) }

// ToInt64 returns the whole number that v is, an [Int64] or a Lua number
// without a fraction. It is not ok for other values and for numbers that an
// int64 cannot hold.
func ToInt64(v glua.LValue) (n int64, ok bool) {
	i, ok := asInt64(v)
	if !ok {
		return 0, false
	}
	return i.int64()
}

// ToUint64 is [ToInt64] for uint64.
func ToUint64(v glua.LValue) (n uint64, ok bool) {
	i, ok := asInt64(v)
	if !ok || i.negative {
		return 0, false
	}
	return i.magnitude, true
}

// IsInt64 reports whether v is an [Int64], not a plain number.
func IsInt64(v glua.LValue) bool {
	_, ok := userInt64(v)
	return ok
}

func userInt64(v glua.LValue) (n Int64, ok bool) {
	ud, isUserData := v.(*glua.LUserData)
	if !isUserData {
		return Int64{}, false
	}
	n, ok = ud.Value.(Int64)
	return n, ok
}

// String returns n in decimal.
func (n Int64) String() string {
	digits := strconv.FormatUint(n.magnitude, 10)
	if n.negative {
		return "-" + digits
	}
	return digits
}

func int64Of(v int64) Int64 {
	if v < 0 {
		return Int64{negative: true, magnitude: -uint64(v)}
	}
	return Int64{magnitude: uint64(v)}
}

func (n Int64) int64() (v int64, ok bool) {
	if n.negative {
		return -int64(n.magnitude), true
	}
	return int64(n.magnitude), n.magnitude <= math.MaxInt64
}

func (n Int64) float() float64 {
	if n.negative {
		return -float64(n.magnitude)
	}
	return float64(n.magnitude)
}

func (n Int64) value(L *glua.LState) glua.LValue {
	return &glua.LUserData{Value: n, Metatable: typeMetatable(L, int64Type, setUpInt64)}
}

// typeMetatable returns the metatable that L's values of one type share. setUp
// fills it when it is first asked for.
func typeMetatable(L *glua.LState, name string, setUp func(*glua.LState, *glua.LTable)) *glua.LTable {
	if mt, ok := L.G.Registry.RawGetString(name).(*glua.LTable); ok {
		return mt
	}
	mt := L.NewTypeMetatable(name)
	setUp(L, mt)
	return mt
}

func setUpInt64(L *glua.LState, mt *glua.LTable) {
	L.SetFuncs(mt, map[string]glua.LGFunction{
		"__add":      int64Arithmetic("add", Int64.add),
		"__sub":      int64Arithmetic("subtract", Int64.sub),
		"__mul":      int64Arithmetic("multiply", Int64.mul),
		"__div":      int64Arithmetic("divide", Int64.div),
		"__mod":      int64Arithmetic("modulo", Int64.mod),
		"__unm":      int64Negate,
		"__eq":       int64Compares(func(order int) bool { return order == 0 }),
		"__lt":       int64Compares(func(order int) bool { return order < 0 }),
		"__le":       int64Compares(func(order int) bool { return order <= 0 }),
		"__tostring": int64ToString,
		"__concat":   int64Concat,
	})
	mt.RawSetString("__index", L.SetFuncs(L.NewTable(), map[string]glua.LGFunction{
		"compare": int64Compare,
		"number":  int64Number,
		"hex":     int64Hex,
	}))
	mt.RawSetString("__metatable", glua.LString("int64"))
}

// int64Global is the global function int64: it makes an exact whole number of
// a number, a string (decimal, or hexadecimal after 0x), or another int64.
func int64Global(L *glua.LState) int {
	if s, ok := L.Get(1).(glua.LString); ok {
		n, ok := parseInt64(strings.TrimSpace(string(s)))
		if !ok {
			L.ArgError(1, fmt.Sprintf("%q is no whole number from -2^63 to 2^64-1", string(s)))
		}
		L.Push(n.value(L))
		return 1
	}
	L.Push(checkInt64(L, 1).value(L))
	return 1
}

// parseInt64 reads a decimal number, or a hexadecimal one after 0x. A leading
// zero never means octal.
func parseInt64(s string) (n Int64, ok bool) {
	digits, negative := strings.CutPrefix(s, "-")
	base := 10
	if hex, isHex := strings.CutPrefix(strings.ToLower(digits), "0x"); isHex {
		digits, base = hex, 16
	}
	magnitude, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		return Int64{}, false
	}
	return signed(negative, magnitude)
}

// signed is not ok below -2^63.
func signed(negative bool, magnitude uint64) (n Int64, ok bool) {
	if negative && magnitude > 1<<63 {
		return Int64{}, false
	}
	return Int64{negative: negative && magnitude != 0, magnitude: magnitude}, true
}

// asInt64 takes an Int64 or a number without a fraction.
func asInt64(v glua.LValue) (n Int64, ok bool) {
	number, isNumber := v.(glua.LNumber)
	if !isNumber {
		return userInt64(v)
	}
	f := float64(number)
	if f != math.Trunc(f) || f < math.MinInt64 || f >= 1<<64 {
		return Int64{}, false
	}
	if f < 0 {
		return int64Of(int64(f)), true
	}
	return Int64{magnitude: uint64(f)}, true
}

// checkInt64 raises unless argument arg is a whole number that fits.
func checkInt64(L *glua.LState, arg int) Int64 {
	n, ok := asInt64(L.Get(arg))
	if ok {
		return n
	}
	if number, isNumber := L.Get(arg).(glua.LNumber); isNumber {
		L.ArgError(arg, fmt.Sprintf("%v is no whole number from -2^63 to 2^64-1", float64(number)))
	}
	L.TypeError(arg, glua.LTNumber)
	return Int64{}
}

func (n Int64) add(m Int64) (sum Int64, ok bool) {
	if n.negative == m.negative {
		magnitude, carry := bits.Add64(n.magnitude, m.magnitude, 0)
		if carry != 0 {
			return Int64{}, false
		}
		return signed(n.negative, magnitude)
	}
	if n.magnitude >= m.magnitude {
		return signed(n.negative, n.magnitude-m.magnitude)
	}
	return signed(m.negative, m.magnitude-n.magnitude)
}

func (n Int64) sub(m Int64) (difference Int64, ok bool) {
	// Not signed(): -m may lie outside of the range where n-m does not.
	return n.add(Int64{negative: !m.negative && m.magnitude != 0, magnitude: m.magnitude})
}

func (n Int64) mul(m Int64) (product Int64, ok bool) {
	high, low := bits.Mul64(n.magnitude, m.magnitude)
	if high != 0 {
		return Int64{}, false
	}
	return signed(n.negative != m.negative, low)
}

// div rounds down, so that n == n/m*m + n%m with Lua's modulo.
func (n Int64) div(m Int64) (quotient Int64, ok bool) {
	if m.magnitude == 0 {
		return Int64{}, false
	}
	magnitude := n.magnitude / m.magnitude
	negative := n.negative != m.negative
	if negative && n.magnitude%m.magnitude != 0 {
		magnitude++
	}
	return signed(negative, magnitude)
}

// mod has the sign of m, as Lua's % does.
func (n Int64) mod(m Int64) (rest Int64, ok bool) {
	if m.magnitude == 0 {
		return Int64{}, false
	}
	magnitude := n.magnitude % m.magnitude
	if magnitude != 0 && n.negative != m.negative {
		magnitude = m.magnitude - magnitude
	}
	return signed(m.negative, magnitude)
}

func (n Int64) compare(m Int64) int {
	if n.negative != m.negative {
		if n.negative {
			return -1
		}
		return 1
	}
	order := 0
	switch {
	case n.magnitude < m.magnitude:
		order = -1
	case n.magnitude > m.magnitude:
		order = 1
	}
	if n.negative {
		return -order
	}
	return order
}

func int64Arithmetic(name string, op func(n, m Int64) (Int64, bool)) glua.LGFunction {
	return func(L *glua.LState) int {
		n, m := checkOperand(L, 1), checkOperand(L, 2)
		result, ok := op(n, m)
		if !ok {
			L.RaiseError("int64: %s %s and %s: result does not fit", name, n, m)
		}
		L.Push(result.value(L))
		return 1
	}
}

// checkOperand refuses fractions: to round in silence is what this type is
// there to prevent.
func checkOperand(L *glua.LState, arg int) Int64 {
	v := L.Get(arg)
	n, ok := asInt64(v)
	if !ok {
		what := v.Type().String()
		if v.Type() == glua.LTNumber {
			what = v.String()
		}
		L.RaiseError("int64: cannot calculate with %s: use x:number() where rounding is fine", what)
	}
	return n
}

func int64Negate(L *glua.LState) int {
	n := checkOperand(L, 1)
	result, ok := signed(!n.negative, n.magnitude)
	if !ok {
		L.RaiseError("int64: negate %s: result does not fit", n)
	}
	L.Push(result.value(L))
	return 1
}

func int64Compares(holds func(order int) bool) glua.LGFunction {
	return func(L *glua.LState) int {
		L.Push(glua.LBool(holds(checkOperand(L, 1).compare(checkOperand(L, 2)))))
		return 1
	}
}

func int64ToString(L *glua.LState) int {
	L.Push(glua.LString(checkOperand(L, 1).String()))
	return 1
}

func int64Concat(L *glua.LState) int {
	L.Push(glua.LString(L.ToStringMeta(L.Get(1)).String() + L.ToStringMeta(L.Get(2)).String()))
	return 1
}

// int64Compare is x:compare(y): -1, 0 or 1. Lua does not let < and == reach
// across types, so this is how to compare with a plain number.
func int64Compare(L *glua.LState) int {
	L.Push(glua.LNumber(checkOperand(L, 1).compare(checkInt64(L, 2))))
	return 1
}

// int64Number is x:number(): the nearest Lua number.
func int64Number(L *glua.LState) int {
	L.Push(glua.LNumber(checkOperand(L, 1).float()))
	return 1
}

// int64Hex is x:hex(): 16 hexadecimal digits, in two's complement.
func int64Hex(L *glua.LState) int {
	n := checkOperand(L, 1)
	unsigned := n.magnitude
	if n.negative {
		unsigned = -unsigned
	}
	L.Push(glua.LString(fmt.Sprintf("%016x", unsigned)))
	return 1
}
