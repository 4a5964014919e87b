package std

import (
	"os/exec"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	const show = `local function show(l) return #l .. ":" .. table.concat(l, "|") end `
	runFS(t, []evalTest{
		{"split", show + `return show(text.split("a,b,,c", ","))`, "4:a|b||c"},
		{"split plain", show + `return show(text.split("a.b.c", "."))`, "3:a|b|c"},
		{"split long separator", show + `return show(text.split("a::b", "::"))`, "2:a|b"},
		{"split nothing", show + `return show(text.split("", ","))`, "1:"},
		{"split max", show + `return show(text.split("a=b=c", "=", {max = 2}))`, "2:a|b=c"},
		{"split trim", show + `return show(text.split(" a , b ", ",", {trim = true}))`, "2:a|b"},
		{"split at space", show + `return show(text.split("  a \t b\n"))`, "2:a|b"},
		{"split at space max", show + `return show(text.split("  a  b  c ", nil, {max = 2}))`, "2:a|b  c"},
		{"split at space nothing", show + `return show(text.split(" "))`, "0:"},
		{"split by nothing", `text.split("a", "")`, "...separator is empty)"},
		{"split 100000", `return #text.split(string.rep("a,", 99999) .. "a", ",")`, "100000"},
		{"lines", show + `return show(text.lines("a\n\nb\r\nc"))`, "4:a||b|c"},
		{"lines last", show + `return show(text.lines("a\n")), show(text.lines(""))`, "1:a 0:"},
		{"join", `return text.join({1, "b", true}, "-"), text.join({})`, "1-b-true "},
		{"join many", `local l = {}; for i = 1, 10000 do l[i] = "x" end; return #text.join(l, ",")`, "19999"},
		{"trim", `return "<" .. text.trim(" a b\t\n") .. ">", "<" .. text.ltrim("  a ") .. ">", "<" .. text.rtrim(" a  ") .. ">"`, "<a b> <a > < a>"},
		{"trim characters", `return text.trim("--a-b--", "-"), text.rtrim("a//", "/")`, "a-b a"},
		{"tests", `return text.starts_with("abc", "ab"), text.ends_with("abc", "ab"), text.contains("a.c", "."), text.contains("abc", ".")`, "true false true false"},
		{"replace", `return text.replace("a.b.c", ".", "%1")`, "a%1b%1c 2"},
		{"replace max", `return text.replace("aaa", "a", "b", {max = 1})`, "baa 1"},
		{"replace nothing", `text.replace("a", "", "b")`, "...nothing to replace)"},
		{"replace too much", `text.replace(string.rep("a", 1e6), "a", string.rep("b", 1e6))`, "...the result would exceed 1073741824 bytes)"},
		{"indent", `return text.indent("a\n\nb\n", 2)`, "  a\n\n  b\n"},
		{"indent prefix", `return text.indent("a\nb", "# ")`, "# a\n# b"},
		{"indent by default", `return text.indent("a")`, "    a"},
		{"dedent", `return text.dedent("    a\n      b\n\n    c\n")`, "a\n  b\n\nc\n"},
		{"dedent none", `return text.dedent("a\n  b")`, "a\n  b"},
		{"dedent tabs and spaces", `return text.dedent("\t a\n\tb")`, " a\nb"},
		{"pad", `return "<" .. text.pad("ab", 4) .. ">", text.pad("7", 3, {align = "right", fill = "0"}), text.pad("x", 4, {align = "center", fill = "."})`, "<ab  > 007 .x.."},
		{"pad counts characters", `return text.pad("ü", 3, {fill = "é"})`, "üéé"},
		{"pad wide", `return text.pad("abc", 2)`, "abc"},
		{"pad align", `text.pad("a", 2, {align = "lfet"})`, `...(did you mean "left"?))`},
		{"wrap", `return text.wrap("one two three four\nfive", 9)`, "one two\nthree\nfour\nfive"},
		{"wrap long word", `return text.wrap("a verylongword b", 4)`, "a\nverylongword\nb"},
		{"quote", `return text.shell_quote("a b"), text.shell_quote("safe-1.0"), text.shell_quote(""), text.shell_quote("it's"), text.shell_quote("A=1")`, `'a b' safe-1.0 '' 'it'\''s' 'A=1'`},
		{"quote list", `return text.shell_quote{"ls", "-l", "my file", 3}`, "ls -l 'my file' 3"},
		{"quote zero", `text.shell_quote("a\0b")`, "...no word of a shell can contain a zero byte)"},
	})
}

func TestShellQuoteByShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	var all strings.Builder
	for c := 1; c < 256; c++ {
		all.WriteByte(byte(c))
	}
	for _, word := range []string{"", "'", "''a'", "$HOME `id` \\ \"x\"", "~", "-n", "*", all.String()} {
		got, err := exec.Command(sh, "-c", "printf %s "+shellQuote(word)).Output()
		if err != nil || string(got) != word {
			t.Errorf("shellQuote(%q): got %q, %v after sh", word, got, err)
		}
	}
}

func TestTemplate(t *testing.T) {
	runFS(t, []evalTest{
		{"plain", `return text.template("a {b} \"c\" \\n\n")`, "a {b} \"c\" \\n\n"},
		{"all bytes", `local s = {}; for i = 0, 255 do s[#s+1] = string.char(i) end; s = table.concat(s); return text.template(s) == s`, "true"},
		{"value", `return text.template("Hi {{ name }}, {{n+1}}!", {name = "Bo", n = 2})`, "Hi Bo, 3!"},
		{"nested", `return text.template("{{ a.b[2].c }}", {a = {b = {1, {c = "x"}}}})`, "x"},
		{"loop", `return text.template("{% for i, v in ipairs(list) do %}{{ i }}={{ v }};{% end %}", {list = {"a", "b"}})`, "1=a;2=b;"},
		{"own lines", `return text.template("top\n  {% for _, v in ipairs(l) do %}\n  - {{ v }}\n  {% end %}\nend\n", {l = {"a", "b"}})`, "top\n  - a\n  - b\nend\n"},
		{"if", `return text.template("{% if on then %}yes{% else %}no{% end %}", {on = false})`, "no"},
		{"code on one line with text", `return text.template("a {% if true then %} b {% end %}\nc")`, "a  b \nc"},
		{"assignment", `return text.template("{% x = 1 %}{% x = x + 1 %}{{ x }}")`, "2"},
		{"assignment stays inside", `local v = {}; text.template("{% x = 1 %}", v); return v.x, x`, "nil nil"},
		{"comment", `return text.template("a{% -- note %}b{{ 1 }}")`, "ab1"},
		{"literal braces", `return text.template('{{ "{{" }}')`, "{{"},
		{"optional", `return text.template("<{{ vars.x or 'none' }}>", {})`, "<none>"},
		{"missing", "return text.template(\"a\\n{{ nme }}\", {name = 1})", `...template:2: no variable "nme" (did you mean "name"?)`},
		{"missing in code", `return text.template("\n\n{% if nope then %}{% end %}", {})`, `...template:3: no variable "nope"`},
		{"missing field", `return text.template("\n{{ a.b }}", {a = {}})`, `...template:2: the value of {{ a.b }} is nil`},
		{"missing is empty", `return text.template("<{{ x }}{{ y }}>", {y = null}, {missing = "empty"})`, "<>"},
		{"null", `return text.template("<{{ y }}>", {y = null})`, `...the value of {{ y }} is nil`},
		{"index of missing", `return text.template("a\n{{ a.b.c }}", {a = {}}, {name = "x.conf"})`, "...x.conf:2: attempt to index a non-table object(nil)..."},
		{"line after code", `return text.template("{% for i = 1, 1 do %}\n{% -- c %}\nx\n{% end %}\n{{ nope }}", {})`, `...template:5: no variable "nope"`},
		{"line after long code", `return text.template("{%\nlocal a = 1\nlocal b = 2 %}\n{{ nope }}", {})`, `...template:4: no variable "nope"`},
		{"syntax", `return text.template("a\n{{ 1 + }}", {})`, `...template:2: ...`},
		{"no end", `return text.template("{% for i = 1, 2 do %}", {})`, `...template: an "end" is missing, or a bracket`},
		{"unclosed", `return text.template("a\nb {{ x", {})`, `...template:2: {{ without }}`},
		{"no world", `return text.template("{{ os.time() }}", {})`, `...no variable "os"`},
		{"no globals", `secret = 1; return text.template("{{ secret }}", {})`, `...no variable "secret"`},
		{"functions", `return text.template("{{ string.upper(x) }} {{ up(x) }}", {x = "a", up = function(s) return s .. "!" end})`, "A a!"},
		{"large", `return #text.template(string.rep("{{ x }} text\n", 20000), {x = 1})`, "140000"},
		{"unknown option", `text.template("", {}, {mising = "empty"})`, `...(did you mean "missing"?))`},
		{"unknown value", `text.template("", {}, {missing = "emtpy"})`, `...(did you mean "empty"?))`},
	})
}
