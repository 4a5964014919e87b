// Package gateways reaches the far sides of gateways over all transports there
// are. [Dial] is what a [luagw.Group] takes as its Dial.
package gateways

import (
	"context"
	"fmt"
	"io"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/popen"
	"github.com/luagw/luagw/gateways/tcp"
	"github.com/luagw/luagw/gateways/unix"
)

// Dialer dials specs of all kinds. The zero value is usable. Its fields must
// not be changed after the first Dial; Dial may be called concurrently.
type Dialer struct {
	// Popen starts the processes of popen and exec gateways.
	Popen popen.Dialer

	// TCP and Unix reach servers of luagw serve, and agents that listen.
	TCP  tcp.Dialer
	Unix unix.Dialer
}

var _ luagw.DialFunc = Dial

// Dial is [Dialer.Dial] of the zero Dialer.
func Dial(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
	var d Dialer
	return d.Dial(ctx, spec)
}

// Dial starts or reaches the far side that spec tells of and returns the
// connection to it. ctx bounds the call and not the connection. Errors are
// [*luagw.OpenError], or [*luagw.SpecError] for a command line that cannot be
// read.
//
// A spec that goes through a gateway reaches what it tells of by that gateway's
// Dial; only a [luagw.Group] knows which that is, so a spec with Via that comes
// from none is refused. So is a kind or a key whose transport is not built in,
// before anything is started.
func (d *Dialer) Dial(ctx context.Context, spec *luagw.Spec) (io.ReadWriteCloser, error) {
	if spec.Via != "" && spec.Through() == nil {
		return nil, refuse(spec, "via %q is the name of a gateway in a group, and this is none's", spec.Via)
	}
	if user := spec.Params["become"]; user != "" {
		return nil, refuse(spec, "become %q is not built in yet", user)
	}
	switch spec.Kind {
	case "popen", "exec":
		return d.Popen.Dial(ctx, spec)
	case "tcp", "unix":
		if spec.Through() != nil {
			return nil, refuse(spec, "transport %q through a gateway is not built in yet", spec.Kind)
		}
		if spec.Kind == "tcp" {
			return d.TCP.Dial(ctx, spec)
		}
		return d.Unix.Dial(ctx, spec)
	case "ssh":
		return nil, refuse(spec, "transport %q is not built in yet", spec.Kind)
	}
	return nil, refuse(spec, "transport %q is not known", spec.Kind)
}

// refuse is the error of what was not even tried.
func refuse(spec *luagw.Spec, format string, args ...any) error {
	return &luagw.OpenError{
		Spec: spec.String(), Stage: luagw.StageDial,
		Err: fmt.Errorf(format, args...), ExitCode: -1,
	}
}
