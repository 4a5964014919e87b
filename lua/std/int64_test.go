package std

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	glua "github.com/yuin/gopher-lua"
)

func TestInt64InLua(t *testing.T) {
	runEvalTests(t, []evalTest{
		{"of a number", `return int64(42)`, "42"},
		{"of a decimal string", `return int64("-9223372036854775808")`, "-9223372036854775808"},
		{"of a uint64", `return int64("18446744073709551615")`, "18446744073709551615"},
		{"of hexadecimal", `return int64("0xfF")`, "255"},
		{"a leading zero is not octal", `return int64("0644")`, "644"},
		{"of an int64", `return int64(int64(7))`, "7"},
		{"too large", `return int64("18446744073709551616")`, `bad argument #1 to int64 ("18446744073709551616" is no whole number from -2^63 to 2^64-1)`},
		{"too small", `return int64("-9223372036854775809")`, `bad argument #1 to int64 ("-9223372036854775809" is no whole number from -2^63 to 2^64-1)`},
		{"of a fraction", `return int64(1.5)`, "bad argument #1 to int64 (1.5 is no whole number from -2^63 to 2^64-1)"},
		{"of nothing", `return int64()`, "bad argument #1 to int64 (number expected, got nil)"},
		{"add", `return int64("9007199254740993") + 2`, "9007199254740995"},
		{"add on the right", `return 2 + int64("9007199254740993")`, "9007199254740995"},
		{"subtract", `return int64(1) - int64("18446744073709551615") / 4`, "-4611686018427387902"},
		{"multiply", `return int64(3) * -7`, "-21"},
		{"divide rounds down", `return int64(-7) / 2, int64(7) / 2`, "-4 3"},
		{"modulo is Lua's", `return int64(-7) % 3, int64(7) % -3, -7 % 3, 7 % -3`, "2 -2 2 -2"},
		{"negate", `return -int64(5), -int64("-9223372036854775808")`, "-5 9223372036854775808"},
		{"overflow", `return int64("18446744073709551615") + 1`, "int64: add 18446744073709551615 and 1: result does not fit"},
		{"underflow", `return int64("-9223372036854775808") - 1`, "int64: subtract -9223372036854775808 and 1: result does not fit"},
		{"divide by zero", `return int64(1) / 0`, "int64: divide 1 and 0: result does not fit"},
		{"with a fraction", `return int64(1) + 0.5`, "int64: cannot calculate with 0.5: use x:number() where rounding is fine"},
		{"with a table", `return int64(1) + {}`, "int64: cannot calculate with table: use x:number() where rounding is fine"},
		{"equal", `return int64(1) == int64(1), int64(1) == int64(2), int64(1) ~= int64(2)`, "true false true"},
		{"order", `return int64(1) < int64(2), int64(2) <= int64(2), int64(-1) > int64("18446744073709551615")`, "true true false"},
		{"compare", `return int64(5):compare(3), int64(5):compare(5), int64(-5):compare(int64(3))`, "1 0 -1"},
		{"concat", `return "n=" .. int64(5) .. ";"`, "n=5;"},
		{"number", `return int64("9007199254740993"):number()`, "9007199254740992"},
		{"hex", `return int64(-1):hex(), int64(255):hex()`, "ffffffffffffffff 00000000000000ff"},
		{"metatable is closed", `return getmetatable(int64(1))`, "int64"},
	})
}

func TestInt64AgainstBig(t *testing.T) {
	least := new(big.Int).SetInt64(math.MinInt64)
	most := new(big.Int).SetUint64(math.MaxUint64)
	ops := []struct {
		name string
		op   func(n, m Int64) (Int64, bool)
		want func(z, x, y *big.Int) *big.Int
	}{
		{"add", Int64.add, (*big.Int).Add},
		{"sub", Int64.sub, (*big.Int).Sub},
		{"mul", Int64.mul, (*big.Int).Mul},
		{"div", Int64.div, floorDiv},
		{"mod", Int64.mod, floorMod},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n, m := randomInt64(random), randomInt64(random)
		for _, o := range ops {
			got, ok := o.op(n, m)
			if m.magnitude == 0 && (o.name == "div" || o.name == "mod") {
				continue
			}
			want := o.want(new(big.Int), bigOf(n), bigOf(m))
			fits := want.Cmp(least) >= 0 && want.Cmp(most) <= 0
			if ok != fits || ok && got.String() != want.String() {
				t.Fatalf("%s(%s, %s) = %s, %v; want %s, %v", o.name, n, m, got, ok, want, fits)
			}
		}
		if got, want := n.compare(m), bigOf(n).Cmp(bigOf(m)); got != want {
			t.Fatalf("compare(%s, %s) = %d, want %d", n, m, got, want)
		}
	}
}

func bigOf(n Int64) *big.Int {
	b, _ := new(big.Int).SetString(n.String(), 10)
	return b
}

func floorDiv(z, x, y *big.Int) *big.Int {
	rest := new(big.Int)
	z.QuoRem(x, y, rest)
	if rest.Sign() != 0 && rest.Sign() != y.Sign() {
		z.Sub(z, big.NewInt(1))
	}
	return z
}

func floorMod(z, x, y *big.Int) *big.Int {
	quotient := floorDiv(new(big.Int), x, y)
	return z.Sub(x, quotient.Mul(quotient, y))
}

// randomInt64 prefers the edges.
func randomInt64(random *rand.Rand) Int64 {
	edges := []uint64{0, 1, 2, 3, 1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 1}
	magnitude := random.Uint64() >> random.IntN(64)
	if random.IntN(2) == 0 {
		magnitude = edges[random.IntN(len(edges))]
	}
	n, ok := signed(random.IntN(2) == 0, magnitude)
	if !ok {
		return Int64{magnitude: magnitude}
	}
	return n
}

func TestInt64Conversions(t *testing.T) {
	L := glua.NewState()
	defer L.Close()
	tests := []struct {
		name    string
		v       glua.LValue
		n       int64
		ok      bool
		u       uint64
		unsigOK bool
	}{
		{"number", glua.LNumber(5), 5, true, 5, true},
		{"negative", glua.LNumber(-5), -5, true, 0, false},
		{"fraction", glua.LNumber(0.5), 0, false, 0, false},
		{"nan", glua.LNumber(math.NaN()), 0, false, 0, false},
		{"infinite", glua.LNumber(math.Inf(1)), 0, false, 0, false},
		{"least", NewInt64(L, math.MinInt64), math.MinInt64, true, 0, false},
		{"most", NewUint64(L, math.MaxUint64), 0, false, math.MaxUint64, true},
		{"string", glua.LString("5"), 0, false, 0, false},
		{"null", Null, 0, false, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, ok := ToInt64(tt.v)
			if ok != tt.ok || ok && n != tt.n {
				t.Errorf("ToInt64: got %d, %v, want %d, %v", n, ok, tt.n, tt.ok)
			}
			u, ok := ToUint64(tt.v)
			if ok != tt.unsigOK || u != tt.u {
				t.Errorf("ToUint64: got %d, %v, want %d, %v", u, ok, tt.u, tt.unsigOK)
			}
		})
	}
}
