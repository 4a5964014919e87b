package ssh

import (
	"context"
	"fmt"

	"github.com/luagw/luagw"
)

// throughKey is the context's key for the gateway that a connection goes through.
type throughKey struct{}

func withThrough(ctx context.Context, spec *luagw.Spec) context.Context {
	if via := spec.Through(); via != nil {
		return context.WithValue(ctx, throughKey{}, via)
	}
	return ctx
}

// through is the gateway that connections go through; nil if they go from here.
func through(ctx context.Context) *luagw.Gateway {
	via, _ := ctx.Value(throughKey{}).(*luagw.Gateway)
	return via
}

// startsHere refuses a program that would make the connection from here.
func startsHere(what string, via *luagw.Gateway) error {
	if via == nil {
		return nil
	}
	return fault(luagw.StageDial, fmt.Errorf("%s would connect from this machine and not through %s; leave out one of them", what, via.ID()))
}
