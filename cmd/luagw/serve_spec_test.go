package main

import (
	"crypto/ed25519"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/luagw/luagw"
	"golang.org/x/crypto/ssh"
)

func TestToldLineForKnownHosts(t *testing.T) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		addr *net.TCPAddr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8888}, "[127.0.0.1]:8888"},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 8888}, "[::1]:8888"},
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 22}, "127.0.0.1"},
	} {
		var said strings.Builder
		tellHostKey(&said, tt.addr, key)
		if want := "luagw: for known_hosts: " + tt.want + " ssh-ed25519 "; !strings.Contains(said.String(), want) {
			t.Errorf("%v: got %q, want %q", tt.addr, said.String(), want)
		}
	}
}

// A fingerprint may have two slashes in a row, by which the keys of a spec are
// told apart.
func TestToldSpecParses(t *testing.T) {
	addr := &net.TCPAddr{IP: net.IPv6loopback, Port: 8888}
	for slashes := false; !slashes; {
		public, _, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		key, err := ssh.NewPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		print := ssh.FingerprintSHA256(key)
		slashes = strings.Contains(print, "//") // about one in a hundred
		text := tellHostKey(io.Discard, addr, key)
		spec, err := luagw.ParseSpec(text)
		if err != nil || spec.Kind != "tcp" || spec.Target != "::1" || spec.Params["hostkey"] != print {
			t.Fatalf("%s: got %+v, %v; want the key %s of ::1", text, spec, err, print)
		}
	}
}
