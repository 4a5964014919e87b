package ssh_test

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

// fingerprint is that of the site's host key.
func fingerprint(site *sshtest.Site) string {
	return gossh.FingerprintSHA256(sshtest.Signer(site.HostKey).PublicKey())
}

// TestWorstDayFaults has the sentence for each way in which a server fails.
func TestWorstDayFaults(t *testing.T) {
	for _, test := range []struct {
		fault sshtest.Fault
		stage luagw.Stage
		want  string
	}{
		{sshtest.CutBanner, luagw.StageDial, `dial: 127.0.0.1 port PORT takes the connection and closes it without a banner of ssh, N times: it refuses this address, or has too many logins at a time`},
		{sshtest.StallBanner, luagw.StageHostKey, `hostkey: 127.0.0.1 port PORT takes the connection and does not answer: no answer for 1s`},
		{sshtest.CutKeys, luagw.StageHostKey, `hostkey: 127.0.0.1 port PORT has closed the connection`},
		{sshtest.StallKeys, luagw.StageHostKey, `hostkey: 127.0.0.1 port PORT: no answer for 1s`},
		{sshtest.CutAuth, luagw.StageAuth, `auth: 127.0.0.1 port PORT has closed the connection`},
		{sshtest.StallAuth, luagw.StageAuth, `auth: 127.0.0.1 port PORT: no answer for 1s`},
		{sshtest.CutSession, luagw.StageSpawn, `spawn: 127.0.0.1 port PORT does not open a session: it has closed the connection`},
		{sshtest.StallSession, luagw.StageSpawn, `spawn: 127.0.0.1 port PORT does not open a session: no answer for 1s`},
		{sshtest.RefuseSession, luagw.StageSpawn, `spawn: 127.0.0.1 port PORT does not open a session: open failed; it may allow no more of them (MaxSessions)`},
	} {
		t.Run(string(test.fault), func(t *testing.T) {
			t.Parallel()
			s := sshtest.Start(t, sshtest.Options{Fault: test.fault})
			_, err := run(t, dialer(t), s.Spec("timeout=1s"), longCommand("true"), ssh.RunOptions{})
			wantStage(t, err, test.stage)
			got := sentence(s.Site, err)
			if before, after, ok := strings.Cut(got, "without a banner of ssh, "); ok { // how often depends on the time
				_, after, _ = strings.Cut(after, " times")
				got = before + "without a banner of ssh, N times" + after
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestWorstDayAhead has the same sentences from Read, where Run does not wait for
// the session.
func TestWorstDayAhead(t *testing.T) {
	for _, test := range []struct {
		fault sshtest.Fault
		want  string
	}{
		{sshtest.CutSession, `spawn: 127.0.0.1 port PORT does not open a session: it has closed the connection`},
		{sshtest.StallSession, `spawn: 127.0.0.1 port PORT does not open a session: no answer for 1s`},
		{sshtest.RefuseSession, `spawn: 127.0.0.1 port PORT does not open a session: open failed; it may allow no more of them (MaxSessions)`},
		{sshtest.RefuseCommand, `spawn: 127.0.0.1 port PORT does not run the command: the server refuses: it cannot start a process, or is to run no commands`},
	} {
		t.Run(string(test.fault), func(t *testing.T) {
			t.Parallel()
			s := sshtest.Start(t, sshtest.Options{Fault: test.fault})
			conn, err := run(t, dialer(t), s.Spec("timeout=1s"), longCommand("true"), ssh.RunOptions{Ahead: aheadVar})
			if err != nil {
				t.Fatal(err)
			}
			if exit := exitOf(t, conn); exit.Code != -1 {
				t.Errorf("got %+v, want nothing known", exit)
			}
			for range 2 {
				_, err = io.ReadAll(conn)
				wantStage(t, err, luagw.StageSpawn)
				wantSentence(t, s.Site, err, test.want)
			}
			_, err = conn.Write(make([]byte, 1))
			wantSentence(t, s.Site, err, test.want)
		})
	}
}

// longCommand makes a command as long as those of the bootstrap, whose answer
// is not waited for.
func longCommand(command string) string { return command + "; : " + strings.Repeat("x", 1000) }

// TestWorstDayCommand: what happens after Run has returned comes to Read.
func TestWorstDayCommand(t *testing.T) {
	for _, test := range []struct {
		fault sshtest.Fault
		want  string
	}{
		{sshtest.RefuseCommand, `spawn: 127.0.0.1 port PORT does not run the command: the server refuses: it cannot start a process, or is to run no commands`},
		{sshtest.CutCommand, `the connection to 127.0.0.1 port PORT is lost: the server has closed it`},
	} {
		t.Run(string(test.fault), func(t *testing.T) {
			t.Parallel()
			s := sshtest.Start(t, sshtest.Options{Fault: test.fault})
			_, err := output(t, dialer(t), s.Spec(), longCommand("true"))
			wantSentence(t, s.Site, err, test.want)
		})
	}
}

func TestWorstDayResolve(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	spec := strings.Replace(s.Spec(), "127.0.0.1", "nowhere.invalid", 1)
	_, err := output(t, dialer(t), spec, "true")
	wantStage(t, err, luagw.StageResolve)
	got := sentence(s.Site, err)
	if want := `resolve: the name "nowhere.invalid" does not resolve: `; !strings.HasPrefix(got, want) {
		t.Errorf("got %s\nwant %s...", got, want)
	}
}

func TestWorstDayPortClosed(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	s.Stop()
	_, err := output(t, dialer(t), s.Spec(), "true")
	wantStage(t, err, luagw.StageDial)
	wantSentence(t, s.Site, err, `dial: cannot connect to 127.0.0.1 port PORT: connection refused`)
}

// TestWorstDayFiltered: nothing answers at all, as behind a firewall that drops.
func TestWorstDayFiltered(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	d := dialer(t)
	d.NetDial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	_, err := output(t, d, s.Spec("timeout=200ms"), "true")
	wantStage(t, err, luagw.StageDial)
	wantSentence(t, s.Site, err, `dial: cannot connect to 127.0.0.1 port PORT: no answer for 200ms`)
}

// TestWorstDayContext: the caller's time ends everything at once.
func TestWorstDayContext(t *testing.T) {
	t.Parallel()
	s := sshtest.Start(t, sshtest.Options{Fault: sshtest.StallAuth})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begin := time.Now()
	_, err := dialer(t).Connect(ctx, parse(t, s.Spec()))
	wantSentence(t, s.Site, err, `auth: 127.0.0.1 port PORT: no answer in time`)
	if took := time.Since(begin); took > 8*time.Second {
		t.Errorf("it took %v, want about 1s", took)
	}
}

func TestWorstDayNoSSH(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{Preface: "220 mail.example.com ESMTP\r\n", Drop: 1000})
	_, err := output(t, dialer(t), s.Spec(), "true")
	wantSentence(t, s.Site, err, `dial: 127.0.0.1 port PORT takes the connection and closes it without a banner of ssh, but says "220 mail.example.com ESMTP": that is no ssh server`)
	if n := s.Accepted.Load(); n != 1 {
		t.Errorf("it was tried %d times, want once", n)
	}
}

// TestWorstDayDropped: sshd drops connections when too many come at a time.
// They are made again.
func TestWorstDayDropped(t *testing.T) {
	for _, preface := range []string{"", "Exceeded MaxStartups\r\n"} {
		s := sshtest.Start(t, sshtest.Options{Preface: preface, Drop: 3})
		succeeds(t, dialer(t), s.Spec())
		if n := s.Accepted.Load(); n != 4 {
			t.Errorf("preface %q: got %d connections, want 4", preface, n)
		}
	}
	s := sshtest.Start(t, sshtest.Options{Preface: "Exceeded MaxStartups\r\n", Drop: 1000})
	_, err := output(t, dialer(t), s.Spec("timeout=10ms"), "true")
	wantSentence(t, s.Site, err, `dial: 127.0.0.1 port PORT takes the connection and closes it without a banner of ssh, 1 times, and says "Exceeded MaxStartups": too many logins at a time`)
}

func TestWorstDayHostKeyUnknown(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	line, err := os.ReadFile(s.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.KnownHosts); err != nil {
		t.Fatal(err)
	}
	_, err = output(t, dialer(t), s.Spec(), "true")
	wantStage(t, err, luagw.StageHostKey)
	lineText := strings.ReplaceAll(strings.TrimSpace(string(line)), s.Dir, "DIR")
	want := `hostkey: 127.0.0.1 port PORT shows the ED25519 key ` + fingerprint(s.Site) +
		`, which is not known; if it is the right one, add this line to DIR/known_hosts, or use hostkey=accept-new once: ` + lineText
	wantSentence(t, s.Site, err, strings.ReplaceAll(want, "]:"+portOf(s.Site), "]:PORT"))

	// The line does what the sentence says.
	s.WriteFile("known_hosts", string(line))
	succeeds(t, dialer(t), s.Spec())
}

func TestWorstDayHostKeyChanged(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	old := sshtest.Signer(sshtest.NewKey(t)).PublicKey()
	s.WriteFile("known_hosts", "# comment\n"+s.KnownName()+" "+string(gossh.MarshalAuthorizedKey(old)))
	for _, hostkey := range []string{"hostkey=", "hostkey=accept-new"} {
		_, err := output(t, dialer(t), s.Spec(hostkey), "true")
		wantStage(t, err, luagw.StageHostKey)
		wantSentence(t, s.Site, err, `hostkey: 127.0.0.1 port PORT shows the ED25519 key `+fingerprint(s.Site)+
			`, but DIR/known_hosts:2 has the ED25519 key `+gossh.FingerprintSHA256(old)+
			`: the host was set up anew, or somebody is in between`)
	}
}

func TestWorstDayHostKeyRevoked(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	line, _ := os.ReadFile(s.KnownHosts)
	key := string(gossh.MarshalAuthorizedKey(sshtest.Signer(s.HostKey).PublicKey()))
	s.WriteFile("known_hosts", string(line)+"@revoked * "+key)
	_, err := output(t, dialer(t), s.Spec(), "true")
	wantSentence(t, s.Site, err, `hostkey: 127.0.0.1 port PORT shows the ED25519 key `+fingerprint(s.Site)+`, which DIR/known_hosts:2 says is revoked`)
}

// TestRevokedHostKeys: the file of that name has keys which no host may show, and
// none is trusted without it.
func TestRevokedHostKeys(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	s.AddConfig("RevokedHostKeys " + s.Dir + "/revoked")
	key := string(gossh.MarshalAuthorizedKey(sshtest.Signer(s.HostKey).PublicKey()))
	other := string(gossh.MarshalAuthorizedKey(sshtest.Signer(sshtest.NewKey(t)).PublicKey()))
	for _, test := range []struct{ text, want string }{
		{"# none of ours\n\n" + other, ""},
		{other + key, `127.0.0.1 port PORT shows the ED25519 key ` + fingerprint(s.Site) + `, which DIR/revoked:2 says is revoked`},
		{other + "rubbish\n", `RevokedHostKeys: DIR/revoked:2 has no public key`},
		{"SSHKRL\n\x00", `RevokedHostKeys: DIR/revoked is a revocation list in OpenSSH's own format, which ssh_program=ssh can read`},
	} {
		s.WriteFile("revoked", test.text)
		if test.want == "" {
			succeeds(t, dialer(t), s.Spec())
			continue
		}
		_, err := output(t, dialer(t), s.Spec(), "true")
		wantStage(t, err, luagw.StageHostKey)
		wantSentence(t, s.Site, err, "hostkey: "+test.want)
	}
	if err := os.Remove(s.Dir + "/revoked"); err != nil {
		t.Fatal(err)
	}
	_, err := output(t, dialer(t), s.Spec(), "true")
	if got := sentence(s.Site, err); !strings.HasPrefix(got, "hostkey: RevokedHostKeys: ") {
		t.Errorf("got %s, want that the file is missing", got)
	}
}

func TestWorstDayNoKeyAccepted(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{Banner: "authorised use only\n"})
	other := sshtest.NewKey(t)
	path := s.WriteKey("other", other)
	_, err := output(t, dialer(t), s.Spec("identity="+path), "true")
	wantStage(t, err, luagw.StageAuth)
	wantSentence(t, s.Site, err, `auth: 127.0.0.1 port PORT does not let "USER" in; tried DIR/other (ED25519 `+
		gossh.FingerprintSHA256(sshtest.Signer(other).PublicKey())+`); it accepts publickey; it says: authorised use only`)
}

func TestWorstDayPassphrase(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	path := s.WriteLockedKey("locked", s.UserKey, "sesame")
	_, err := output(t, dialer(t), s.Spec("identity="+path), "true")
	wantSentence(t, s.Site, err, `auth: 127.0.0.1 port PORT does not let "USER" in; tried DIR/locked: it needs its passphrase, and there is no terminal to ask at; it accepts publickey`)
}

// TestWorstDaySilent: a host that was there falls silent.
func TestWorstDaySilent(t *testing.T) {
	t.Parallel()
	s := sshtest.Start(t, sshtest.Options{})
	conn, err := run(t, dialer(t), s.Spec("keepalive=400ms"), "echo here; cat", ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "here\n" {
		t.Fatalf("got %q, %v", buf[:n], err)
	}
	s.Freeze()
	begin := time.Now()
	_, err = conn.Read(buf)
	wantSentence(t, s.Site, err, `nothing came from 127.0.0.1 port PORT for 1.2s, not even an answer to being asked`)
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %v to notice, want about 1s", took)
	}
}

// TestKeepalive: a host that is silent because there is nothing to say is kept.
func TestKeepalive(t *testing.T) {
	t.Parallel()
	s := sshtest.Start(t, sshtest.Options{})
	conn, err := run(t, dialer(t), s.Spec("keepalive=400ms"), "sleep 1.5; echo still here", ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "still here\n" {
		t.Fatalf("got %q, %v", buf[:n], err)
	}
}

func TestWorstDayCut(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	conn, err := run(t, dialer(t), s.Spec(), "echo here; cat", ssh.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	if _, err := conn.Read(buf); err != nil {
		t.Fatal(err)
	}
	s.Cut()
	_, err = conn.Read(buf)
	wantSentence(t, s.Site, err, `the connection to 127.0.0.1 port PORT is lost: the server has closed it`)
}

// TestWorstDayTooManyKeys: sshd hangs up after six tries.
func TestWorstDayTooManyKeys(t *testing.T) {
	s := sshtest.StartSshd(t, "MaxAuthTries 2")
	var lines []string
	for _, name := range []string{"a", "b", "c"} {
		lines = append(lines, "IdentityFile "+s.WriteKey(name, sshtest.NewKey(t)))
	}
	s.AddConfig(lines...)
	_, err := output(t, dialer(t), s.Spec("identity="+s.WriteKey("z", sshtest.NewKey(t))), "true")
	got := sentence(s.Site, err)
	if want := "and then: disconnect, reason 2: \"Too many authentication failures\""; !strings.Contains(got, want) {
		t.Errorf("got  %s\nwant ...%s", got, want)
	}
	if strings.Contains(got, "DIR/c ") {
		t.Errorf("got  %s\nwant only the keys that were tried", got)
	}
}

// TestWorstDayMaxSessions: the real server's words for a session too many.
func TestWorstDayMaxSessions(t *testing.T) {
	s := sshtest.StartSshd(t, "MaxSessions 0")
	_, err := output(t, dialer(t), s.Spec(), "true")
	wantStage(t, err, luagw.StageSpawn)
	wantSentence(t, s.Site, err, `spawn: 127.0.0.1 port PORT does not open a session: open failed; it may allow no more of them (MaxSessions)`)
}
