package ssh_test

import (
	"testing"

	"github.com/luagw/luagw/gateways/ssh/sshtest"
)

func TestRealSshd(t *testing.T) {
	s := sshtest.StartSshd(t)
	succeeds(t, dialer(t), s.Spec())
}
