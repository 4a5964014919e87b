//go:build unix

package socket

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// zone is what a name server of a test knows: addresses by name.
type zone map[string][]string

// serveDNS runs a name server and returns its address.
func serveDNS(t *testing.T, answer func(question []byte) [][]byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { // ends with the test
		defer close(served)
		buf := make([]byte, 1<<10)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			for _, reply := range answer(slices.Clone(buf[:n])) {
				conn.WriteTo(reply, from)
			}
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-served
	})
	return conn.LocalAddr().String()
}

// answer answers as a name server does.
func (z zone) answer(question []byte) [][]byte {
	name, kind := asked(question)
	addrs, known := z[name]
	reply := append([]byte(nil), question...)
	reply[2] |= 0x80
	if !known {
		reply[3] |= 3
		return [][]byte{reply}
	}
	reply = appendRecord(reply, 5, []byte("\x05alias\x00")) // a CNAME, which is passed over
	n := uint16(1)
	for _, text := range addrs {
		addr := netip.MustParseAddr(text)
		if addr.Is4() == (kind == typeA) {
			reply = appendRecord(reply, kind, addr.AsSlice())
			n++
		}
	}
	binary.BigEndian.PutUint16(reply[6:], n)
	return [][]byte{reply}
}

// asked is the name and the kind of a question.
func asked(question []byte) (string, uint16) {
	var labels []string
	p := question[dnsHeader:]
	for ; p[0] != 0; p = p[1+p[0]:] {
		labels = append(labels, string(p[1:1+p[0]]))
	}
	return strings.Join(labels, "."), binary.BigEndian.Uint16(p[1:])
}

// appendRecord appends a record for the name in the question.
func appendRecord(b []byte, kind uint16, data []byte) []byte {
	b = append(b, 0xc0, dnsHeader)
	b = binary.BigEndian.AppendUint16(b, kind)
	b = append(b, 0, 1, 0, 0, 0, 60)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

func TestLookupByServer(t *testing.T) {
	server := serveDNS(t, zone{
		"web1":                   {"10.9.9.9"},
		"web1.example.org":       {"fd00::1", "10.0.0.1"},
		"six.example.org":        {"fd00::6"},
		"empty.example.org":      {},
		"a.b":                    {"10.0.0.3"},
		"a.b.second.example.org": {"10.0.0.4"},
	}.answer)
	r := files(t, "", "search first.example.org\n; comment\nsearch example.org second.example.org.\nnameserver "+server+"\noptions ndots:1 edns0\n")
	for _, tt := range []struct{ host, want, fails string }{
		{"web1", "10.0.0.1 fd00::1", ""},
		{"web1.", "10.9.9.9", ""},
		{"web1.example.org", "10.0.0.1 fd00::1", ""},
		{"six", "fd00::6", ""},
		{"a.b", "10.0.0.3", ""},
		{"empty", "", `host "empty": no such host`},
		{"nobody", "", `host "nobody": no such host`},
		{strings.Repeat("x", 64), "", "no such host"},
		{"a..b", "", "no such host"},
	} {
		t.Run(tt.host, func(t *testing.T) {
			addrs, err := r.lookup(bounded(t), tt.host)
			if got := text(addrs); got != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
			if tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
				t.Errorf("got error %v, want %s", err, tt.fails)
			}
		})
	}
}

// TestLookupPastABadServer asks the second server where the first is of no use.
func TestLookupPastABadServer(t *testing.T) {
	good := serveDNS(t, zone{"web1": {"10.0.0.1"}}.answer)
	for _, tt := range []struct {
		name   string
		answer func(question []byte) [][]byte
	}{
		{"fails", func(q []byte) [][]byte { q[2] |= 0x80; q[3] |= 2; return [][]byte{q} }},
		{"cuts the answer", func(q []byte) [][]byte { q[2] |= 0x80; q[7] = 1; return [][]byte{append(q, 0xc0)} }},
		{"loops in a name", func(q []byte) [][]byte { q[2] |= 0x80; q[7] = 1; return [][]byte{append(q, 1)} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad := serveDNS(t, tt.answer)
			r := files(t, "", "nameserver "+bad+"\nnameserver "+good+"\n")
			addrs, err := r.lookup(bounded(t), "web1")
			if got := text(addrs); got != "10.0.0.1" {
				t.Errorf("got %s, %v; want the second server's", got, err)
			}
		})
	}
}

// TestLookupIgnoresStrangers gets answers to other questions first.
func TestLookupIgnoresStrangers(t *testing.T) {
	honest := zone{"web1": {"10.0.0.1"}}
	server := serveDNS(t, func(q []byte) [][]byte {
		wrongID := zone{"web1": {"10.6.6.6", "fd00::6"}}.answer(q)[0]
		wrongID[0] ^= 0xff
		wrongName := zone{"web1": {"10.6.6.6", "fd00::6"}}.answer(q)[0]
		wrongName[dnsHeader+1] ^= 1
		noAnswer := slices.Clone(q)
		return append([][]byte{wrongID, wrongName, noAnswer, {1}}, honest.answer(q)...)
	})
	r := files(t, "", "nameserver "+server+"\n")
	addrs, err := r.lookup(bounded(t), "web1")
	if got := text(addrs); got != "10.0.0.1" {
		t.Errorf("got %s, %v; want 10.0.0.1", got, err)
	}
}

// TestLookupOfHalfAnAnswer is content with the one answer that comes.
func TestLookupOfHalfAnAnswer(t *testing.T) {
	server := serveDNS(t, func(q []byte) [][]byte {
		if _, kind := asked(q); kind == typeAAAA {
			return nil
		}
		return zone{"web1": {"10.0.0.1"}}.answer(q)
	})
	r := files(t, "", "nameserver "+server+"\n")
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	addrs, err := r.lookup(ctx, "web1")
	if got := text(addrs); got != "10.0.0.1" {
		t.Errorf("got %s, %v; want 10.0.0.1", got, err)
	}
}

func TestLookupIsBounded(t *testing.T) {
	silent := serveDNS(t, func([]byte) [][]byte { return nil })
	r := files(t, "", "nameserver "+silent+"\n")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := r.lookup(ctx, "web1")
	if err == nil || err.Error() != `host "web1": no answer in time` || time.Since(start) > time.Second {
		t.Errorf("got %v after %v, want that no answer came", err, time.Since(start))
	}
}

// FuzzAnswer reads whatever a name server may say.
func FuzzAnswer(f *testing.F) {
	question, err := appendQuestion(nil, 1, "web1", typeA)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(zone{"web1": {"10.0.0.1"}}.answer(question)[0])
	f.Fuzz(func(t *testing.T, p []byte) {
		if _, ok := answers(p, [2]uint16{1, 2}, "web1"); !ok {
			return
		}
		addrs, err := parseAnswer(p, len("web1"))
		if err == nil && len(addrs) == 0 {
			t.Error("neither addresses nor an error")
		}
	})
}
