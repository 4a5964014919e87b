package luagw

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

type params = map[string]string

// parsedSpecs are spec strings with what they mean, and how String writes them
// if that differs.
var parsedSpecs = []struct {
	name, text string
	want       Spec
	canonical  string
}{
	{"popen", "popen", Spec{Kind: "popen"}, ""},
	{"popen with nothing behind its colon", "popen:", Spec{Kind: "popen"}, "popen"},
	{"popen program", "popen:./agent -v", Spec{Kind: "popen", Agent: "./agent -v"}, "popen//agent=./agent -v"},
	{"popen program and dir", "popen:agent:/srv", Spec{Kind: "popen", Agent: "agent", Dir: "/srv"}, "popen//agent=agent//dir=/srv"},
	{"popen dir", "popen::/srv", Spec{Kind: "popen", Dir: "/srv"}, "popen//dir=/srv"},
	{"popen dir with colons", `popen::C:\srv`, Spec{Kind: "popen", Dir: `C:\srv`}, `popen//dir=C:\\srv`},
	{"popen quoted program", `popen:'C:\a//b.exe' x:d`, Spec{Kind: "popen", Agent: `'C:\a//b.exe' x`, Dir: "d"}, `popen//agent='C:\a//b.exe' x//dir=d`},
	{"popen with equals sign", "popen=agent", Spec{Kind: "popen", Agent: "agent"}, "popen//agent=agent"},
	{"exec", "exec=docker exec -i web1 luagw-agent", Spec{Kind: "exec", Target: "docker exec -i web1 luagw-agent"}, ""},
	{"exec with escaped slashes", `exec=fetch http:/\/h/x//id=a`, Spec{Kind: "exec", Target: "fetch http://h/x", ID: "a"}, ""},
	{"exec with quoted slashes", `exec=sh -c 'echo a//b; cat'//id=a`, Spec{Kind: "exec", Target: "sh -c 'echo a//b; cat'", ID: "a"}, ""},
	{"ssh host", "ssh:web1", Spec{Kind: "ssh", Target: "web1", Dir: "luagw-cache"}, ""},
	{"ssh user", "ssh:joe@web1", Spec{Kind: "ssh", Target: "web1", Dir: "luagw-cache", Params: params{"user": "joe"}}, "ssh:web1//user=joe"},
	{"ssh domain user", `ssh:DOM\joe@web1`, Spec{Kind: "ssh", Target: "web1", Dir: "luagw-cache", Params: params{"user": `DOM\joe`}}, `ssh:web1//user=DOM\\joe`},
	{"ssh program and dir", "ssh:web1:agent:/srv", Spec{Kind: "ssh", Target: "web1", Agent: "agent", Dir: "/srv"}, "ssh:web1//agent=agent//dir=/srv"},
	{"ssh program", "ssh:web1:agent", Spec{Kind: "ssh", Target: "web1", Agent: "agent", Dir: "luagw-cache"}, "ssh:web1//agent=agent"},
	{"ssh dir", "ssh:web1::/srv", Spec{Kind: "ssh", Target: "web1", Dir: "/srv"}, "ssh:web1//dir=/srv"},
	{"ssh login directory", "ssh:web1//dir=", Spec{Kind: "ssh", Target: "web1"}, ""},
	{"ssh IPv6", "ssh:joe@[fe80::1%eth0]:agent", Spec{Kind: "ssh", Target: "fe80::1%eth0", Agent: "agent", Dir: "luagw-cache", Params: params{"user": "joe"}}, "ssh:[fe80::1%eth0]//agent=agent//user=joe"},
	{"ssh as execnet writes it now", "ssh=joe@web1//id=a", Spec{Kind: "ssh", Target: "web1", Dir: "luagw-cache", ID: "a", Params: params{"user": "joe"}}, "ssh:web1//id=a//user=joe"},
	{"ssh with options", "ssh=-p 2222 -i'my key' -F cfg -l joe web1", Spec{Kind: "ssh", Target: "web1", Dir: "luagw-cache",
		Params: params{"port": "2222", "identity": "my key", "ssh_config": "cfg", "user": "joe"}}, "ssh:web1//identity=my key//port=2222//ssh_config=cfg//user=joe"},
	{"tcp host", "tcp:web1", Spec{Kind: "tcp", Target: "web1", Dir: "luagw-cache"}, ""},
	{"tcp port", "tcp:web1:22", Spec{Kind: "tcp", Target: "web1", Dir: "luagw-cache", Params: params{"port": "22"}}, "tcp:web1//port=22"},
	{"tcp all parts", "tcp:[::1]:22:agent:/srv", Spec{Kind: "tcp", Target: "::1", Agent: "agent", Dir: "/srv", Params: params{"port": "22"}}, "tcp:[::1]//agent=agent//dir=/srv//port=22"},
	{"tcp without port", "tcp:web1::agent", Spec{Kind: "tcp", Target: "web1", Agent: "agent", Dir: "luagw-cache"}, "tcp:web1//agent=agent"},
	{"tcp as execnet writes it now", "tcp=web1:22", Spec{Kind: "tcp", Target: "web1", Dir: "luagw-cache", Params: params{"port": "22"}}, "tcp:web1//port=22"},
	{"socket", "socket:web1:22", Spec{Kind: "tcp", Target: "web1", Dir: "luagw-cache", Params: params{"port": "22"}}, "tcp:web1//port=22"},
	{"socket as execnet writes it", "socket=web1:22", Spec{Kind: "tcp", Target: "web1", Dir: "luagw-cache", Params: params{"port": "22"}}, "tcp:web1//port=22"},
	{"unix", "unix:/run/luagw.sock", Spec{Kind: "unix", Target: "/run/luagw.sock"}, ""},
	{"unix path with colon", "unix:/run/a:b//id=x", Spec{Kind: "unix", Target: "/run/a:b", ID: "x"}, ""},
	{"fields", "ssh:h//id=web1//via=bastion//agent=a 'b c'//dir=/srv//nice=5//env:LANG=C",
		Spec{Kind: "ssh", Target: "h", ID: "web1", Via: "bastion", Agent: "a 'b c'", Dir: "/srv", Nice: 5, Env: params{"LANG": "C"}}, ""},
	{"common params", "popen//keepalive=0//max_memory=64M//max_running=2//max_time=1m//timeout=10//window=1M",
		Spec{Kind: "popen", Params: params{"keepalive": "0", "max_memory": "64M", "max_running": "2", "max_time": "1m", "timeout": "10", "window": "1M"}}, ""},
	{"ssh params", "ssh:h//become=root//become_method=sudo//hostkey=accept-new//identity=k//known_hosts=kh//port=22//ssh_config=c//ssh_program=ssh//user=joe",
		Spec{Kind: "ssh", Target: "h", Dir: "luagw-cache", Params: params{"become": "root", "become_method": "sudo", "hostkey": "accept-new", "identity": "k",
			"known_hosts": "kh", "port": "22", "ssh_config": "c", "ssh_program": "ssh", "user": "joe"}}, ""},
	{"exec params", "exec=enter web1//bootstrap=yes", Spec{Kind: "exec", Target: "enter web1", Params: params{"bootstrap": "yes"}}, ""},
	{"nice below zero", "popen//nice=-20", Spec{Kind: "popen", Nice: -20}, ""},
	{"nice as execnet writes it", "popen//nice=+5", Spec{Kind: "popen", Nice: 5}, "popen//nice=5"},
	{"empty env", "popen//env:A=", Spec{Kind: "popen", Env: params{"A": ""}}, ""},
	{"equals sign in env", "popen//env:A=b=c", Spec{Kind: "popen", Env: params{"A": "b=c"}}, ""},
	{"escaped slashes", `popen//env:U=http:/\/x`, Spec{Kind: "popen", Env: params{"U": "http://x"}}, ""},
	{"single quotes", `popen//env:U='http://x\//id=y'`, Spec{Kind: "popen", Env: params{"U": `http://x\//id=y`}}, `popen//env:U=http:/\/x\\/\/id=y`},
	{"double quotes", `popen//env:U="a\"b\\c//d\n"`, Spec{Kind: "popen", Env: params{"U": `a"b\c//d\n`}}, `popen//env:U=a"b\\c/\/d\\n`},
	{"quoted newline", "popen//env:U='a\nb'", Spec{Kind: "popen", Env: params{"U": "a\nb"}}, "popen//env:U=\"a\nb\""},
	{"leading quote escaped by quotes", `popen//env:U="'a'"//id=b`, Spec{Kind: "popen", ID: "b", Env: params{"U": "'a'"}}, `popen//id=b//env:U="'a'"`},
	{"quote inside", "popen//env:U=it's", Spec{Kind: "popen", Env: params{"U": "it's"}}, ""},
	{"bytes that are no UTF-8", "popen//env:U=\xff\xfe", Spec{Kind: "popen", Env: params{"U": "\xff\xfe"}}, ""},
	{"slash before a key", "popen//dir=/srv///id=a", Spec{Kind: "popen", Dir: "/srv/", ID: "a"}, "popen//id=a//dir=/srv/"},
}

func TestParseSpec(t *testing.T) {
	for _, tt := range parsedSpecs {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseSpec(tt.text)
			if err != nil {
				t.Fatalf("ParseSpec(%q): %v", tt.text, err)
			}
			if !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("ParseSpec(%q)\n got %#v\nwant %#v", tt.text, *got, tt.want)
			}
		})
	}
}

func TestSpecString(t *testing.T) {
	for _, tt := range parsedSpecs {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.canonical
			if want == "" {
				want = tt.text
			}
			got := tt.want.String()
			if got != want {
				t.Errorf("String() = %q, want %q", got, want)
			}
			if !sameSpec(t, got, tt.text) {
				t.Errorf("String() = %q, which means something else than %q", got, tt.text)
			}
		})
	}
}

func sameSpec(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := ParseSpec(a)
	if err != nil {
		t.Fatalf("ParseSpec(%q): %v", a, err)
	}
	y, err := ParseSpec(b)
	if err != nil {
		t.Fatalf("ParseSpec(%q): %v", b, err)
	}
	return reflect.DeepEqual(x, y)
}

func TestParseSpecErrors(t *testing.T) {
	tests := []struct{ name, text, key, reason string }{
		{"empty", "", "", "empty spec"},
		{"white space", "  ", "", "empty spec"},
		{"NUL", "popen//env:A=b\x00", "", "NUL"},
		{"unknown kind", "shh:web1", "kind", `"shh" is unknown, want popen, exec, ssh, tcp or unix; did you mean "ssh"?`},
		{"socket misspelt", "sockt:web1", "kind", `did you mean "socket"?`},
		{"bare host", "web1.example.com", "kind", `"web1.example.com" is unknown, want popen, exec, ssh, tcp or unix; a host behind ssh is "ssh:web1.example.com"`},
		{"bare host with a user", "joe@web1", "kind", `a host behind ssh is "ssh:joe@web1"`},
		{"bare host with a key", "web1//id=a", "kind", `a host behind ssh is "ssh:web1"`},
		{"key first", "id=web1//popen", "kind", `"id" is unknown, want popen, exec, ssh, tcp or unix`},
		{"kind in capitals", "SSH:web1", "kind", `did you mean "ssh"?`},
		{"no kind", "//id=a", "kind", `"" is unknown, want popen, exec, ssh, tcp or unix`},
		{"unknown key", "popen//nic=5", "nic", `unknown key; did you mean "nice"?`},
		{"unknown key without value", "popen//nic", "nic", `did you mean "nice"?`},
		{"key of execnet", "popen//chdir=/", "chdir", `did you mean "dir"?`},
		{"python of execnet", "popen//python=lua", "python", `did you mean "agent"?`},
		{"env without name", "popen//env=a", "env", `did you mean "env:NAME"?`},
		{"env in the middle of a value", "popen//env:U=http://h/x", "h/x", "quote that"},
		{"key of another kind", "popen//port=22", "port", `popen has no such key; it is for ssh, tcp`},
		{"key of exec", "ssh:h//bootstrap=no", "bootstrap", `ssh has no such key; it is for exec`},
		{"neither yes nor no", "exec=a//bootstrap=maybe", "bootstrap", `"maybe" is not yes or no`},
		{"no host key", "ssh:h//hostkey=whatever", "hostkey", `"whatever" is not accept-new, yes or a fingerprint SHA256:...`},
		{"no method", "popen//become=a//become_method=magic", "become_method", `"magic" is not sudo, su or doas`},
		{"become nobody in the world", "popen//become=-x", "become", `"-x" is no name of a user`},
		{"duplicate key", "popen//id=a//id=b", "id", `given twice, now as "b"`},
		{"duplicate env", "popen//env:A=a//env:A=", "env:A", "given twice"},
		{"duplicate by position", "popen::/a//dir=/b", "dir", "given twice"},
		{"duplicate port", "tcp:h:1//port=2", "port", "given twice"},
		{"duplicate user", "ssh:a@h//user=b", "user", "given twice"},
		{"no value", "popen//id", "id", "write id=VALUE"},
		{"empty value", "popen//id=", "id", "empty value"},
		{"empty key", "popen//=a", "", "no key"},
		{"nothing behind slashes", "popen//", "", "no key"},
		{"port zero", "tcp:h:0", "port", `"0" is no whole number from 1 to 65535`},
		{"port too big", "ssh:h//port=65536", "port", `"65536"`},
		{"port no number", "tcp:h:http", "port", `"http"`},
		{"port signed", "tcp:h:+1", "port", `"+1"`},
		{"no host", "ssh", "host", "empty"},
		{"empty host", "ssh:", "host", "empty"},
		{"empty host behind user", "ssh:joe@", "host", "empty"},
		{"empty host before port", "tcp::22", "host", "empty"},
		{"empty user", "ssh:@h", "user", "empty value"},
		{"host like an option", "ssh:joe@-oProxyCommand=x", "host", "no name of a host"},
		{"user like an option", "ssh:-x@h", "ssh", `option "-x"`},
		{"user like an option by key", "ssh:h//user=-x", "user", "no name of a user"},
		{"host with a shell's signs", "ssh:$(id)", "host", "no name of a host"},
		{"host with blank", "ssh:a b", "host", "no name of a host"},
		{"bare IPv6", "ssh:fe80::1", "host", "[fe80::1]"},
		{"bare IPv6 with user", "ssh:joe@::1//id=a", "host", "[::1]"},
		{"bad IPv6", "ssh:[fe80::x]", "host", "no IPv6 address"},
		{"name in brackets", "ssh:[web1]", "host", "not an IPv6 address in brackets"},
		{"open bracket", "ssh:[::1", "host", "not an IPv6 address in brackets"},
		{"ssh option unknown", "ssh=-o X=y h", "ssh", `option "-o" is none of`},
		{"ssh option without value", "ssh=-p", "port", "empty value"},
		{"ssh options without host", "ssh=-p 22", "host", "want one host"},
		{"no command", "exec", "exec", "empty command"},
		{"empty command", "exec= ", "exec", "empty command"},
		{"empty quoted command", "exec='' a", "exec", "empty command"},
		{"pipe", "exec=a | b", "exec", `unquoted "|": no shell is involved`},
		{"substitution in program", "popen:a $(b)", "agent", `unquoted "$("`},
		{"open quote in command", "exec=echo it's//id=a", "exec", "no closing '"},
		{"open quote", "popen//env:A='b//id=c", "env:A", "no closing '"},
		{"text behind quote", "popen//env:A='b'c", "env:A", `"c" behind the closing quote`},
		{"no socket", "unix:", "path", "empty value"},
		{"three slashes behind unix", "unix:///run/x", "run/x", "unknown key"},
		{"control character", "popen//env:A=b\nc", "env:A", `control character '\n' outside quotes`},
		{"control character in command", "exec=a\nb", "exec", `control character '\n'`},
		{"quoted control character in id", "popen//id='a\nb'", "id", "cannot be printed"},
		{"quoted control character in path", "unix:'a\nb'", "path", "control character"},
		{"blank in via", "popen//via=a b", "via", "white space"},
		{"via itself", "popen//id=a//via=a", "via", "through itself"},
		{"nice too big", "popen//nice=20", "nice", `"20" is not from -20 to 19`},
		{"nice too small", "popen//nice=-21", "nice", `"-21"`},
		{"nice no number", "popen//nice=low", "nice", `"low" is no whole number`},
		{"env without value", "popen//env:A", "env:A", "no value"},
		{"env with digit first", "popen//env:1A=b", "env:1A", `"1A" is no name`},
		{"env with blank", "popen//env:A B=c", "env:A B", "no name of a variable"},
		{"env with empty name", "popen//env:=c", "env:", "no name"},
		{"duration", "popen//timeout=soon", "timeout", `"soon" is no duration`},
		{"duration below zero", "popen//max_time=-1s", "max_time", `"-1s"`},
		{"no time to open", "popen//timeout=0", "timeout", `"0" is too short`},
		{"keepalive too short", "popen//keepalive=1ms", "keepalive", `"1ms" is shorter than 100ms`},
		{"size", "popen//max_memory=lots", "max_memory", `"lots" is no size`},
		{"size suffix twice", "popen//max_memory=1KM", "max_memory", `"1KM"`},
		{"size that overflows", "popen//max_memory=9999999999G", "max_memory", "is no size"},
		{"window too small", "popen//window=1K", "window", `"1K" is not from 262144`},
		{"running none", "popen//max_running=0", "max_running", `"0"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec, err := ParseSpec(tt.text)
			var fault *SpecError
			if !errors.As(err, &fault) {
				t.Fatalf("ParseSpec(%q) = %v, %v; want a SpecError", tt.text, spec, err)
			}
			if spec != nil || fault.Spec != tt.text || fault.Key != tt.key || !strings.Contains(fault.Reason, tt.reason) {
				t.Errorf("ParseSpec(%q) = %v, %#v; want key %q, reason with %q", tt.text, spec, fault, tt.key, tt.reason)
			}
		})
	}
}

func TestSpecCommand(t *testing.T) {
	tests := []struct {
		name, line string
		want       []string
		reason     string
	}{
		{"none", "", nil, ""},
		{"words", "  docker exec  -i web1 ", []string{"docker", "exec", "-i", "web1"}, ""},
		{"single quotes", `sh -c 'a "b" \ $(c) | d'`, []string{"sh", "-c", `a "b" \ $(c) | d`}, ""},
		{"double quotes", `echo "a'b \"c\" \\ \$x \n"`, []string{"echo", `a'b "c" \ $x \n`}, ""},
		{"substitution between double quotes stays", "sh -c \"`id` $(id)\"", []string{"sh", "-c", "`id` $(id)"}, ""},
		{"line joined between double quotes", "a \"b\\\nc\"", []string{"a", "bc"}, ""},
		{"empty words", `a '' ""`, []string{"a", "", ""}, ""},
		{"joined", `a'b'"c"\d`, []string{"abcd"}, ""},
		{"backslash", `a\ b \'c \\ \|`, []string{"a b", "'c", `\`, "|"}, ""},
		{"nothing expanded", `a $HOME * ~ # {b}`, []string{"a", "$HOME", "*", "~", "#", "{b}"}, ""},
		{"bytes that are no UTF-8", "a \xff", []string{"a", "\xff"}, ""},
		{"pipe", "a | b", nil, `unquoted "|"`},
		{"semicolon", "a;b", nil, `unquoted ";"`},
		{"ampersand", "a &", nil, `unquoted "&"`},
		{"less", "a <b", nil, `unquoted "<"`},
		{"greater", "a >b", nil, `unquoted ">"`},
		{"substitution", "a $(b)", nil, `unquoted "$("`},
		{"backtick", "a `b`", nil, "unquoted \"`\""},
		{"parenthesis", "(a)", nil, `unquoted "("`},
		{"open single quote", "a 'b", nil, "no closing '"},
		{"open double quote", `a "b\"`, nil, `no closing "`},
		{"backslash at the end", `a \`, nil, "backslash at the end"},
		{"newline", "a\nb", nil, "control character"},
		{"NUL", "a '\x00'", nil, "NUL"},
		{"blank", " ", nil, "empty command"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, spec := range []*Spec{{Kind: "popen", Agent: tt.line}, {Kind: "exec", Target: tt.line}} {
				got, err := spec.Command()
				if !reflect.DeepEqual(got, tt.want) {
					t.Errorf("%s: Command() of %q = %q, want %q", spec.Kind, tt.line, got, tt.want)
				}
				if (err == nil) != (tt.reason == "") || err != nil && !strings.Contains(err.Error(), tt.reason) {
					t.Errorf("%s: Command() of %q: error %v, want %q", spec.Kind, tt.line, err, tt.reason)
				}
			}
		})
	}
}

// A spec that was built by hand is held to the same rules.
func TestSpecCheck(t *testing.T) {
	tests := []struct {
		name string
		spec Spec
		key  string
	}{
		{"zero", Spec{}, "kind"},
		{"popen with target", Spec{Kind: "popen", Target: "x"}, "target"},
		{"field as param", Spec{Kind: "popen", Params: params{"dir": "x"}}, "dir"},
		{"param of another kind", Spec{Kind: "unix", Target: "/x", Params: params{"port": "1"}}, "port"},
		{"bad param", Spec{Kind: "tcp", Target: "h", Params: params{"port": "x"}}, "port"},
		{"empty param", Spec{Kind: "tcp", Target: "h", Params: params{"user": ""}}, "user"},
		{"nice", Spec{Kind: "popen", Nice: 99}, "nice"},
		{"env name", Spec{Kind: "popen", Env: params{"a=b": "c"}}, "env:a=b"},
		{"env value", Spec{Kind: "popen", Env: params{"a": "\x00"}}, "env:a"},
		{"dir", Spec{Kind: "popen", Dir: "\x00"}, "dir"},
		{"id that is no UTF-8", Spec{Kind: "popen", ID: "\xff"}, "id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var fault *SpecError
			if err := tt.spec.check(); !errors.As(err, &fault) || fault.Key != tt.key {
				t.Errorf("check() = %v, want a SpecError with key %q", err, tt.key)
			}
		})
	}
}

func TestSpecStringByHand(t *testing.T) {
	for _, value := range []string{"/", "//", "///", "////", "/////", `\`, `\\`, `\/`, `/\/`, `'`, `"`, `'a"`, "a\n'\"\\//", " ", "[", "=", "//id=x", `x\`} {
		spec := &Spec{Kind: "ssh", Target: "::1", Dir: value, Env: params{"A": value, "B": ""}}
		got, err := ParseSpec(spec.String())
		if err != nil || !reflect.DeepEqual(got, spec) {
			t.Errorf("value %q: String() = %q, parsed %+v, %v", value, spec, got, err)
		}
	}
	for _, line := range []string{"a////b", "a '//' b", `a "\"//"//`, `a \\//`, "a /"} {
		spec := &Spec{Kind: "exec", Target: line, ID: "a"}
		got, err := ParseSpec(spec.String())
		if err != nil || !reflect.DeepEqual(got, spec) {
			t.Errorf("line %q: String() = %q, parsed %+v, %v", line, spec, got, err)
		}
	}
}

func TestSpecParamValues(t *testing.T) {
	spec, err := ParseSpec("tcp:h:22//timeout=1.5//keepalive=1m30s//window=4M//max_memory=1000")
	if err != nil {
		t.Fatal(err)
	}
	if d, err := spec.Duration("timeout"); d != 1500*time.Millisecond || err != nil {
		t.Errorf("timeout: got %v, %v, want 1.5s", d, err)
	}
	if d, err := spec.Duration("keepalive"); d != 90*time.Second || err != nil {
		t.Errorf("keepalive: got %v, %v, want 1m30s", d, err)
	}
	if d, err := spec.Duration("max_time"); d != 0 || err != nil {
		t.Errorf("max_time: got %v, %v, want 0 for what is not given", d, err)
	}
	if n, err := spec.Size("window"); n != 4<<20 || err != nil {
		t.Errorf("window: got %d, %v, want %d", n, err, 4<<20)
	}
	if n, err := spec.Size("max_memory"); n != 1000 || err != nil {
		t.Errorf("max_memory: got %d, %v, want 1000", n, err)
	}
	if n, err := spec.Int("port"); n != 22 || err != nil {
		t.Errorf("port: got %d, %v, want 22", n, err)
	}
	spec.Params["port"] = "x"
	var fault *SpecError
	if _, err := spec.Int("port"); !errors.As(err, &fault) || fault.Key != "port" {
		t.Errorf("port x: got %v, want a SpecError", err)
	}
}

func TestSpecClone(t *testing.T) {
	spec, err := ParseSpec("ssh:h//port=22//env:A=b")
	if err != nil {
		t.Fatal(err)
	}
	clone := spec.Clone()
	if !reflect.DeepEqual(clone, spec) {
		t.Fatalf("Clone() = %+v, want %+v", clone, spec)
	}
	clone.Env["A"], clone.Params["port"], clone.Dir = "c", "23", "d"
	if got, want := spec.String(), "ssh:h//env:A=b//port=22"; got != want {
		t.Errorf("after its clone changed the spec is %q, want %q", got, want)
	}
}
