package become

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/luagw/luagw"
)

const (
	// maxSaid is how much is kept of what came before the other user was
	// become, for errors and to find prompts in.
	maxSaid = 64 << 10

	// exitTime bounds the wait for the end of what has refused.
	exitTime = time.Second
)

// try is one way to become another user.
type try struct {
	spec     *luagw.Spec
	method   *method
	password PasswordFunc
	mark     string // a word unlike all others
	pty      bool
}

// start runs the line and talks until its command runs as the other user.
func (t *try) start(ctx context.Context, line string, run RunFunc) (io.ReadWriteCloser, error) {
	if t.spec.Kind == "ssh" { // the home directory one is in is that of another
		line = splice(`sh -c 'cd 2>/dev/null; exec "$@"' sh`, line)
	}
	if t.pty { // what is said beside would come between the agent's bytes
		line = splice(`sh -c 'exec "$@" 2>/dev/null' sh`, line)
	}
	talk := &talk{try: t, news: make(chan struct{}, 1)}
	conn, err := run(ctx, t.method.wrap(t.spec.Params["become"], line, t.mark, t.password != nil), Options{Stderr: stderrOf{talk}, PTY: t.pty})
	if err != nil {
		return nil, err
	}
	talk.conn = conn
	go talk.listen() // ends with the mark, or with the connection
	if err := talk.until(ctx); err != nil {
		conn.Close()
		talk.await()
		return nil, talk.explain(ctx, err)
	}
	if watched, ok := conn.(interface{ WatchStderr(io.Writer) }); ok {
		watched.WatchStderr(nil)
	}
	return &become{conn, talk.rest}, nil
}

// talk is what is said until the other user is become, or not. What comes is
// heard on goroutines of the connection's and on listen's; until alone answers.
type talk struct {
	*try
	conn io.ReadWriteCloser
	news chan struct{} // cap 1: something has come

	secret string // the password, once it was written

	mu       sync.Mutex // guards the following
	said     []byte     // beside the connection, or on the terminal, and of what is not answered yet
	heard    []byte     // all of it, for errors
	got      []byte     // on the connection, before the mark
	rest     []byte     // behind the mark
	become   bool       // the mark has come
	ended    bool       // listen has ended
	answered bool       // the password was written
	deaf     bool       // all is said: what comes beside is not ours
}

// stderrOf takes what is said beside the connection.
type stderrOf struct{ *talk }

func (s stderrOf) Write(p []byte) (int, error) {
	s.hear(p)
	return len(p), nil
}

func (t *talk) hear(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.deaf {
		return
	}
	t.said = last(append(t.said, p...))
	t.heard = last(append(t.heard, p...))
	t.tell()
}

func last(b []byte) []byte { return b[max(0, len(b)-maxSaid):] }

// tell wakes until.
func (t *talk) tell() {
	select {
	case t.news <- struct{}{}:
	default:
	}
}

// listen reads up to the mark.
func (t *talk) listen() {
	buf := make([]byte, 4<<10)
	for done := false; !done; {
		n, err := t.conn.Read(buf)
		done = t.arrive(buf[:n]) || err != nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	t.tell()
}

// arrive takes what was read, and says whether the mark was in it.
func (t *talk) arrive(p []byte) bool {
	if t.pty {
		t.hear(p)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got = append(t.got, p...)
	if _, rest, ok := cutLine(t.got, t.mark); ok {
		t.become, t.rest = true, rest
		return true
	}
	t.got = last(t.got)
	return false
}

// cutLine finds a line that is word, behind whatever stands before it in the
// same line: a prompt may.
func cutLine(b []byte, word string) (before, rest []byte, ok bool) {
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(word))
		if i < 0 {
			return nil, nil, false
		}
		end := at + i + len(word)
		if rest, ok := bytes.CutPrefix(bytes.TrimPrefix(b[end:], []byte("\r")), []byte("\n")); ok {
			return b[:at+i], rest, true
		}
		at = end
	}
}

var (
	errEnded = errors.New("it ended")
	errWrong = errors.New("the password is wrong, or it has expired")
)

// until talks until the other user is become.
func (t *talk) until(ctx context.Context) error {
	for {
		become, ended, prompt := t.state()
		switch {
		case become:
			return nil
		case prompt:
			if err := t.answer(ctx); err != nil {
				return err
			}
			continue
		case ended:
			return errEnded
		}
		select {
		case <-t.news:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// state looks at what has come. A prompt is looked at once.
func (t *talk) state() (become, ended, prompt bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.become {
		t.deaf = true
		return true, false, false
	}
	if t.prompted() {
		t.said = nil
		return false, false, true
	}
	return false, t.ended, false
}

// prompted says whether what was said ends in a prompt: sudo's has our word in
// it, and the others' are a line without an end.
func (t *talk) prompted() bool {
	if t.method == methods["sudo"] && !t.answered { // then it may ask for a new password
		return bytes.Contains(t.said, []byte(promptOf(t.mark)))
	}
	line := strings.TrimRight(string(t.said[bytes.LastIndexByte(t.said, '\n')+1:]), " \u00a0")
	return strings.HasSuffix(line, ":") && line != t.method.name+":" // which begins what it says otherwise
}

// answer writes the password, once.
func (t *talk) answer(ctx context.Context) error {
	if t.password == nil {
		return ErrNoPassword
	}
	if t.answered {
		return errWrong
	}
	t.answered = true
	password, err := t.password(ctx, t.spec)
	if err != nil {
		return fmt.Errorf("asking for the password: %w", err)
	}
	if strings.ContainsAny(password, "\r\n\x00") {
		return errors.New("the password has a line break or a zero byte in it, which cannot be typed")
	}
	t.secret = password
	if _, err := io.WriteString(t.conn, password+"\n"); err != nil {
		return errEnded
	}
	return nil
}

// hide takes the password out of what an error tells, should it have come back.
// Shorter ones could not be told from parts of words.
func (t *talk) hide(said string) string {
	if len(t.secret) < 4 {
		return said
	}
	return strings.ReplaceAll(said, t.secret, "***")
}

// await waits until listen has ended, which it does with the connection.
func (t *talk) await() {
	for {
		t.mu.Lock()
		ended := t.ended
		t.mu.Unlock()
		if ended {
			return
		}
		<-t.news
	}
}

// explain makes a refusal of why it came to nothing.
func (t *talk) explain(ctx context.Context, err error) error {
	r := &refusal{reason: err.Error(), exit: -1}
	if exiter, ok := t.conn.(luagw.Exiter); ok {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exitTime)
		defer cancel()
		r.exit = exiter.Exit(ctx).Code
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r.said = strings.TrimSpace(strings.ReplaceAll(string(t.heard), promptOf(t.mark), ""))
	if !t.pty {
		r.said = strings.TrimSpace(r.said + "\n" + strings.TrimSpace(string(t.got)))
	}
	r.said = t.hide(r.said)
	switch hinted := hinted(r.said); {
	case err == errEnded:
		r.reason, r.wantsTerminal = t.reason(r.said, r.exit)
	case hinted != "" && err != ErrNoPassword:
		r.reason = hinted
	case errors.Is(err, context.DeadlineExceeded):
		r.reason = "neither a prompt that is known nor a refusal came in time"
	}
	return r
}

// become is a connection on which the first bytes have been read.
type become struct {
	io.ReadWriteCloser
	rest []byte // the reader's
}

var _ luagw.Exiter = (*become)(nil)

func (b *become) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return b.ReadWriteCloser.Read(p)
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Exit implements [luagw.Exiter].
func (b *become) Exit(ctx context.Context) luagw.Exit {
	if exiter, ok := b.ReadWriteCloser.(luagw.Exiter); ok {
		return exiter.Exit(ctx)
	}
	return luagw.Exit{Code: -1}
}
