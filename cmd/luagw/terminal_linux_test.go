package main

import (
	"context"
	"errors"
	"testing"
)

// Who is asked for a password may press Ctrl-C.
func TestInterruptedQuestion(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errInterrupted)
	at := &terminal{path: "/dev/ptmx"} // one on which nobody answers
	_, _, err := (&dialFlags{askBecome: true}).becomePassword(ctx, at)
	if exit, ok := errors.AsType[*exitError](err); !ok || exit.code != exitInterrupted || exit.Error() != "interrupted" {
		t.Errorf("got %v, want an interruption, which is exit code %d", err, exitInterrupted)
	}
}
