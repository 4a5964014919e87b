package std

import (
	"strings"
	"testing"

	glua "github.com/yuin/gopher-lua"
)

func TestJSONEncode(t *testing.T) {
	runEvalTests(t, []evalTest{
		{"scalars", `return json.encode{1, -2, 1.5, true, false, null, "x"}`, `[1,-2,1.5,true,false,null,"x"]`},
		{"nil", `return json.encode(nil)`, "null"},
		{"nothing", `return json.encode()`, "bad argument #1 to encode (value expected)"},
		{"exact whole number", `return json.encode(2^53), json.encode(-2^53)`, "9007199254740992 -9007199254740992"},
		{"large number", `return json.encode(1e300), json.encode(1e-7)`, "1e+300 1e-07"},
		{"negative zero", `return json.encode(-0.0)`, "-0"},
		{"int64", `return json.encode{int64("18446744073709551615")}`, "[18446744073709551615]"},
		{"infinity", `return json.encode{a = {1, 1 / 0}}`, "json.encode: item.a[2]: +Inf is no JSON number"},
		{"nan", `return json.encode(0/0)`, "json.encode: item: NaN is no JSON number"},
		{"escapes", `return json.encode('"\\\n\r\t\1/\127')`, `"\"\\\n\r\t\u0001/` + "\x7f\""},
		{"utf-8", `return json.encode("ü€😀")`, `"ü€😀"`},
		{"bytes", `return json.encode{["a b"] = {x = "\255"}}`, `json.encode: item["a b"].x: string is not UTF-8 (encode bytes with hash.base64_encode)`},
		{"sorted", `return json.encode{b = 1, a = 2, c = {}}`, `{"a":2,"b":1,"c":[]}`},
		{"unsorted", `return json.encode({b = 1, a = 2, c = 3}, {sort = false})`, `{"b":1,"a":2,"c":3}`},
		{"marks", `return json.encode{list{}, map{}, {}, map{1}, list{nil, 2}}`, `[[],{},[],{"1":1},[null,2]]`},
		{"number keys", `return json.encode{[10] = "a", [20] = "b", [2.5] = "c"}`, `{"10":"a","2.5":"c","20":"b"}`},
		{"hole", `return json.encode{x = {1, nil, 3}}`, "json.encode: item.x: list has a hole at 2 (put null there, or mark the table with list or map)"},
		{"mixed keys", `return json.encode{x = {1, y = 2}}`, `json.encode: item.x: keys of different types: 1 and "y"`},
		{"boolean key", `return json.encode{[true] = 1}`, "json.encode: item: key is a boolean"},
		{"function", `return json.encode{a = {1, 2, {f = print}}}`, "json.encode: item.a[3].f: function"},
		{"userdata", `return json.encode{newproxy()}`, "json.encode: item[1]: userdata"},
		{"cycle", `local t = {}; t.x = {t}; return json.encode(t)`, "json.encode: item.x[1]: table contains itself"},
		{"same table twice", `local t = {1}; return json.encode{t, t}`, "[[1],[1]]"},
		{"too deep", `local t = {}; for i = 1, 128 do t = {t} end; return json.encode(t)`, "json.encode: item[1][1][1]..."},
		{"deep enough", `local t = {}; for i = 1, 127 do t = {t} end; return #json.encode(t)`, "256"},
		{"indent", `return json.encode({a = {1, {}}, b = map{}}, {indent = 2})`, "{\n  \"a\": [\n    1,\n    []\n  ],\n  \"b\": {}\n}"},
		{"unknown option", `return json.encode({}, {indnt = 2})`, `bad argument #2 to encode (unknown option "indnt" (did you mean "indent"?))`},
		{"option far off", `return json.encode({}, {pretty = true})`, `bad argument #2 to encode (unknown option "pretty" (known: indent, sort))`},
		{"option of a wrong type", `return json.encode({}, {indent = "2"})`, `bad argument #2 to encode (option "indent": whole number expected, got string)`},
		{"option out of range", `return json.encode({}, {indent = -1})`, `bad argument #2 to encode (option "indent": -1 is less than 0)`},
	})
}

func TestJSONDecode(t *testing.T) {
	runEvalTests(t, []evalTest{
		{"scalars", `return json.decode("1"), json.decode(" true "), json.decode('"x"'), json.decode("-1.5e2")`, "1 true x -150"},
		{"null", `return json.decode("null") == null`, "true"},
		{"null in a list", `local t = json.decode("[1,null,3]"); return #t, t[2] == null, t[3]`, "3 true 3"},
		{"object", `local t = json.decode('{"a":{"b":[1,{"c":2}]}}'); return t.a.b[2].c`, "2"},
		{"empty containers", `return json.encode(json.decode('[[],{}]'))`, "[[],{}]"},
		{"last of a name wins", `return json.decode('{"a":1,"a":2}').a`, "2"},
		{"exact integers", `return type(json.decode("9007199254740992")), json.decode("9007199254740993"), json.decode("18446744073709551615")`, "number 9007199254740993 18446744073709551615"},
		{"integers beyond", `return json.decode("18446744073709551616")`, "1.8446744073709552e+19"},
		{"negative zero", `return 1 / json.decode("-0")`, "-Inf"},
		{"escapes", `return json.decode([["\"\\\/\n\u0041\u20ac\ud83d\ude00"]])`, "\"\\/\nA€😀"},
		{"nul", `return #json.decode([["\u0000"]])`, "1"},
		{"empty text", `return json.decode("")`, "nil json.decode: line 1, column 1: end of text where a value should be"},
		{"place", `return json.decode("{\n  \"ü\": x}")`, `nil json.decode: line 2, column 8: unexpected 'x' where a value should be`},
		{"trailing", `return json.decode("1 2")`, `nil json.decode: line 1, column 3: unexpected '2' after the value`},
		{"trailing comma", `return json.decode("[1,]")`, `nil json.decode: line 1, column 4: unexpected ']' where a value should be`},
		{"no comma", `return json.decode("[1 2]")`, `nil json.decode: line 1, column 4: unexpected '2' where "," or "]" should be`},
		{"no colon", `return json.decode('{"a" 1}')`, `nil json.decode: line 1, column 6: unexpected '1' where a colon should be`},
		{"bare name", `return json.decode('{a:1}')`, `nil json.decode: line 1, column 2: unexpected 'a' where a name in quotes should be`},
		{"open list", `return json.decode('[1')`, `nil json.decode: line 1, column 3: end of text where "," or "]" should be`},
		{"open string", `return json.decode('"abc')`, "nil json.decode: line 1, column 5: string without an end"},
		{"leading zero", `return json.decode("[01]")`, "nil json.decode: line 1, column 3: number with a leading zero"},
		{"bare minus", `return json.decode("-")`, "nil json.decode: line 1, column 2: end of text where a digit should be"},
		{"no fraction", `return json.decode("1.")`, "nil json.decode: line 1, column 3: end of text where a digit should be"},
		{"no exponent", `return json.decode("1e+")`, "nil json.decode: line 1, column 4: end of text where a digit should be"},
		{"huge", `return json.decode("1e999")`, "nil json.decode: line 1, column 6: number 1e999 is out of range"},
		{"nan", `return json.decode("NaN")`, "nil json.decode: line 1, column 1: unexpected 'N' where a value should be"},
		{"control character", `return json.decode('"a\nb"')`, `nil json.decode: line 1, column 3: control character '\n' within a string`},
		{"unknown escape", `return json.decode([["\x41"]])`, "nil json.decode: line 1, column 2: unknown escape in a string"},
		{"short escape", `return json.decode([["\u12"]])`, `nil json.decode: line 1, column 2: \u without four hexadecimal digits`},
		{"half a pair", `return json.decode([["\ud83d"]])`, "nil json.decode: line 1, column 2: half of a surrogate pair"},
		{"bytes", `return json.decode('"\255"')`, "nil json.decode: line 1, column 2: string is not UTF-8"},
		{"too deep", `return json.decode(string.rep("[", 129))`, "nil json.decode: line 1, column 129: more than 128 levels deep"},
		{"deep enough", `return type(json.decode(string.rep("[", 128) .. string.rep("]", 128)))`, "table"},
	})
}

// FuzzJSONDecode looks for panics, and for texts that do not come back the
// same from a second round.
func FuzzJSONDecode(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2.5,-3e4,null,true],"b":{"c":"d\n\u20ac"}}`, `[]`, `{}`, `"\ud83d\ude00"`,
		`18446744073709551615`, `[[[[`, `{"a":`, `-0`, "\"\xff\"",
	} {
		f.Add(seed)
	}
	L := glua.NewState(glua.Options{SkipOpenLibs: true})
	decode := func(text string) (glua.LValue, error) {
		return (&jsonDecoder{L: L, text: text, names: map[string]glua.LString{}}).decode()
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := decode(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "json.decode: line ") {
				t.Errorf("error without a place: %v", err)
			}
			return
		}
		first := jsonEncoder{sorted: true}
		if err := first.encode(v); err != nil {
			t.Fatalf("encode what %q decodes to: %v", text, err)
		}
		again, err := decode(string(first.buf))
		if err != nil {
			t.Fatalf("decode %q: %v", first.buf, err)
		}
		second := jsonEncoder{sorted: true}
		if err := second.encode(again); err != nil || string(second.buf) != string(first.buf) {
			t.Errorf("second round: got %q, %v, want %q", second.buf, err, first.buf)
		}
	})
}

const jsonRecord = `{"id":12345,"name":"web1.example.org","up":true,"load":[0.5,0.25,0.125],"tags":{"role":"web","zone":"eu"},"note":"line\nbreak"}`

func BenchmarkJSONDecode(b *testing.B) {
	L := glua.NewState()
	defer L.Close()
	b.SetBytes(int64(len(jsonRecord)))
	b.ReportAllocs()
	for b.Loop() {
		d := jsonDecoder{L: L, text: jsonRecord, names: map[string]glua.LString{}}
		if _, err := d.decode(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONEncode(b *testing.B) {
	L := glua.NewState()
	defer L.Close()
	d := jsonDecoder{L: L, text: jsonRecord, names: map[string]glua.LString{}}
	v, _ := d.decode()
	b.SetBytes(int64(len(jsonRecord)))
	b.ReportAllocs()
	for b.Loop() {
		e := jsonEncoder{sorted: true}
		if err := e.encode(v); err != nil {
			b.Fatal(err)
		}
	}
}
