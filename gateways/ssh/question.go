package ssh

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
)

// askTime bounds how long an answer is waited for.
const askTime = 2 * time.Minute

// Question is what only the user can answer.
type Question struct {
	Host   string // as the user wrote it
	Prompt string // one line or more, without a line break at the end; a part may come from the server, without control characters
	Secret bool   // the answer must not be shown
}

// Why nothing is asked.
var (
	errNobody = errors.New("there is no terminal to ask at")
	errBatch  = errors.New("BatchMode forbids to ask")
	errSecret = errors.New("no secrets go to a host whose key has changed")
)

// errUnanswered tells that the user did not answer.
var errUnanswered = errors.New("no answer within " + askTime.String())

// ask asks, one question at a time. The time that the user takes is not the
// stage's.
func (d *Dialer) ask(ctx context.Context, clock *clock, q Question) (string, error) {
	if d.Ask == nil {
		return "", errNobody
	}
	clock.pause()
	defer clock.resume()
	d.asking.Lock()
	defer d.asking.Unlock()
	ctx, cancel := withAskTime(ctx)
	defer cancel()
	answer, err := d.Ask(ctx, q)
	if err != nil && ctx.Err() != nil {
		err = reason(ctx)
	}
	return answer, err
}

// withAskTime bounds what may wait for the user.
func withAskTime(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, askTime, errUnanswered)
}

// printable returns a server's words without what could do something to a
// terminal, and not more than a screen of them.
func printable(text string) string {
	const most = 2 << 10
	if len(text) > most {
		text = text[:most]
	}
	text = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
	return strings.TrimSpace(text)
}
