package ssh_test

import (
	"testing"
	"time"

	"github.com/luagw/luagw/gateways/ssh"
	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

// TestNoDelayedAcknowledgement: sshd opens a session when it has heard that what
// it said of the login has come, and this system is not late to say so. It would
// be, by 40 ms.
func TestNoDelayedAcknowledgement(t *testing.T) {
	const enough, tries = 30 * time.Millisecond, 20
	s := sshtest.StartSshd(t)
	d := dialer(t)
	least := time.Hour
	for try := 0; try < tries && least > enough; try++ {
		least = min(least, sessionTime(t, d, s.Spec()))
	}
	if least > enough {
		t.Errorf("of %d sessions none was opened within %v, at best within %v", tries, enough, least)
	}
}

// sessionTime is how long it takes from the login until a command is on its way.
func sessionTime(t *testing.T, d *ssh.Dialer, spec string) time.Duration {
	t.Helper()
	client, err := d.Connect(inTime(t), parse(t, spec))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	began := time.Now()
	conn, err := client.Run(inTime(t), "true", ssh.RunOptions{})
	took := time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	return took
}
