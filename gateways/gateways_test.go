package gateways

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/luagw/luagw"
)

func TestDialRefuses(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{"via", "popen//via=gw7", `via "gw7" is the name of a gateway in a group`},
		{"become of an agent", "exec=docker exec -i web1 luagw-agent//become=root", "become has nothing to wrap"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec, err := luagw.ParseSpec(tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			checkRefused(t, spec, tt.want)
		})
	}
	t.Run("unknown", func(t *testing.T) {
		checkRefused(t, &luagw.Spec{Kind: "pigeon"}, `transport "pigeon" is not known`)
	})
}

func checkRefused(t *testing.T, spec *luagw.Spec, want string) {
	t.Helper()
	conn, err := Dial(context.Background(), spec)
	if conn != nil {
		conn.Close()
		t.Fatal("got a connection, want an error")
	}
	oe, ok := errors.AsType[*luagw.OpenError](err)
	if !ok || oe.Stage != luagw.StageDial || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an OpenError of stage dial with %q", err, want)
	}
}

func TestDialStartsProcesses(t *testing.T) {
	for _, text := range []string{"popen:cat", "exec=cat"} {
		t.Run(text, func(t *testing.T) {
			spec, err := luagw.ParseSpec(text)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := Dial(context.Background(), spec)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			if n, err := conn.Read(make([]byte, 8)); n != 1 || err != nil {
				t.Errorf("Read = %d, %v; want 1, nil", n, err)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCommandLine(t *testing.T) {
	for _, words := range [][]string{
		{"sh", "-c", "exec sh -c 'echo \"$@\"'"},
		{"docker", "exec", "-i", "web1"},
		{"a b", "", "it's", `back\slash`, "$HOME", "line\nbreak", "a/\\/b", "x//y=z"},
	} {
		line := commandLine(words)
		got, err := (&luagw.Spec{Kind: "exec", Target: line}).Command()
		if err != nil || !slices.Equal(got, words) {
			t.Errorf("%q becomes %q, %v by way of %s", words, got, err, line)
		}
	}
}
