package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// records reads the audit.
func (b *bed) records(t *testing.T) []Record {
	t.Helper()
	var list []Record
	for line := range strings.Lines(b.audit(t)) {
		var r Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, r)
	}
	return list
}

func TestAudit(t *testing.T) {
	b := newBed(t, nil)
	ctx := context.Background()
	gw, err := b.group(t, "", b.key).Open(ctx, "popen")
	if err != nil {
		t.Fatal(err)
	}
	const source = "return 1 -- \"quoted\"\n"
	for range 3 {
		if _, err := gw.Call(ctx, source); err != nil {
			t.Fatal(err)
		}
	}
	gw.Close()
	eventually(t, "a close in the audit", func() bool { return strings.Contains(b.audit(t), `"event":"close"`) })
	list := b.records(t)
	if len(list) != 5 {
		t.Fatalf("got %d records, want open, 3 fragments, close: %s", len(list), b.audit(t))
	}
	open, fragment, end := list[0], list[1], list[4]
	if open.Event != "open" || open.User != self(t) || open.Key != ssh.FingerprintSHA256(b.key.PublicKey()) ||
		open.Line != b.AuthorizedKeys+":1" || !strings.HasPrefix(open.From, "127.0.0.1:") || open.Transport != "tcp" {
		t.Errorf("open is %+v", open)
	}
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(source)))
	if fragment.Event != "fragment" || fragment.ID != open.ID || fragment.Hash != hash || fragment.Size != int64(len(source)) || fragment.Name == "" {
		t.Errorf("fragment is %+v, want hash %s", fragment, hash)
	}
	if end.Event != "close" || end.ID != open.ID || end.BytesIn == 0 || end.BytesOut == 0 || end.Seconds <= 0 || end.Exit == nil || *end.Exit != 0 {
		t.Errorf("close is %+v", end)
	}
	if info, err := os.Stat(b.Audit.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the audit: %v, %v; want 0600", info.Mode(), err)
	}
}

// TestNoAuditNoAgent has an audit that cannot be written.
func TestNoAuditNoAgent(t *testing.T) {
	b := newBed(t, func(b *bed) { b.Audit.Path = filepath.Join(b.dir, "nosuchfolder", "audit") })
	_, err := call(t, b.group(t, "", b.key), "return 1")
	if err == nil || !strings.Contains(err.Error(), "audit: open ") {
		t.Errorf("got %v, want that it is refused for the audit", err)
	}
}

// TestNoAuditNoFragment loses its audit when the agent is there already.
func TestNoAuditNoFragment(t *testing.T) {
	b := newBed(t, nil)
	ctx := context.Background()
	gw, err := b.group(t, "", b.key).Open(ctx, "popen")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(b.Audit.Path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(b.Audit.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	gw.Call(ctx, "return 1") // may be under way before it is known
	<-gw.Done()
}

func TestReports(t *testing.T) {
	good := `{"name":"f","hash":"` + strings.Repeat("0", 64) + `","size":1}` + "\n"
	for _, tt := range []struct {
		name, text string
		records    int
		wantErr    bool
	}{
		{"none", "", 0, false},
		{"two", good + good, 2, false},
		{"half a line at the end", good + good[:10], 1, false},
		{"no JSON", good + "hello\n", 1, true},
		{"no hash", `{"name":"f"}` + "\n", 0, true},
		{"too long", strings.Repeat("x", maxReport+1) + "\n", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := newReportReader(strings.NewReader(tt.text))
			count, err := 0, error(nil)
			for err == nil {
				var got []Record
				got, err = lines.next("id")
				count += len(got)
			}
			if count != tt.records || (err != io.EOF) != tt.wantErr {
				t.Errorf("got %d records, %v; want %d, error: %v", count, err, tt.records, tt.wantErr)
			}
		})
	}
}
