package luagw

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// protocolVersion is the version of the wire format. Kinds of frames may
	// be added within a version; anything else needs a new one.
	protocolVersion = 1

	// maxNoise is how much a login script may print before the hello.
	maxNoise = 64 << 10

	helloPrefix = "luagw "
)

// Info is what an agent says of itself when it starts.
type Info struct {
	OS       string `json:"os"`   // as GOOS
	Arch     string `json:"arch"` // as GOARCH
	Hostname string `json:"hostname"`
	User     string `json:"user"`    // name, by its environment; number where that has none
	Dir      string `json:"dir"`     // working directory
	Version  string `json:"version"` // of the agent's program
	PID      int    `json:"pid"`
}

// selfInfo tells of this process.
func selfInfo() Info {
	host, _ := os.Hostname()
	dir, _ := os.Getwd()
	return Info{
		OS: runtime.GOOS, Arch: runtime.GOARCH, Hostname: host, User: userName(),
		Dir: dir, Version: Version(), PID: os.Getpid(),
	}
}

// Version is the version of this build of luagw, from the build information.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

func userName() string {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if u := os.Getenv(name); u != "" {
			return u
		}
	}
	return strconv.Itoa(os.Getuid())
}

// writeHello writes an agent's first line. It begins with a line break, in case
// a login script printed something without one.
func writeHello(w io.Writer, info Info) error {
	_, err := fmt.Fprintf(w, "\n%s%d ok %s\n", helloPrefix, protocolVersion, info.appendJSON(nil))
	return err
}

// appendJSON appends what encoding/json would make of the Info. An agent does
// not link that package, for its size.
func (info Info) appendJSON(b []byte) []byte {
	fields := [...]struct{ key, value string }{
		{"os", info.OS}, {"arch", info.Arch}, {"hostname", info.Hostname},
		{"user", info.User}, {"dir", info.Dir}, {"version", info.Version},
	}
	b = append(b, '{')
	for _, field := range fields {
		b = appendJSONString(b, field.key)
		b = append(b, ':')
		b = appendJSONString(b, field.value)
		b = append(b, ',')
	}
	b = append(b, `"pid":`...)
	b = strconv.AppendInt(b, int64(info.PID), 10)
	return append(b, '}')
}

func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s { // bytes that are no UTF-8 become U+FFFD
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// WriteHelloError tells the near side, in the place of a hello, why there will
// be no agent.
func WriteHelloError(w io.Writer, reason error) error {
	line := append(appendJSONString([]byte(`{"error":`), reason.Error()), '}')
	_, err := fmt.Fprintf(w, "\n%s%d error %s\n", helloPrefix, protocolVersion, line)
	return err
}

// helloError tells why no hello came. noise is what came instead.
type helloError struct {
	err   error
	noise string
}

func (e *helloError) Error() string { return e.err.Error() }
func (e *helloError) Unwrap() error { return e.err }

// errInterrupted is what a Read returns that a deadline has ended.
var errInterrupted = os.ErrDeadlineExceeded

// readHello reads up to the hello, past what login scripts print. rest is what
// was read beyond it. When the opening's time is up the connection is closed.
func (h *greeting) readHello() (info Info, rest []byte, err error) {
	ctx, conn := h.ctx, h.ReadWriteCloser
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	buf := make([]byte, 4<<10)
	for {
		n, readErr := conn.Read(buf)
		h.seen = append(h.seen, buf[:n]...)
		noise, line, rest, found := cutHello(h.seen)
		if n == 0 && ctx.Err() == nil && errors.Is(readErr, errInterrupted) {
			return Info{}, nil, readErr
		}
		if found && ctx.Err() == nil {
			info, err := parseHello(line)
			if err != nil {
				return Info{}, nil, &helloError{err, string(noise)}
			}
			return info, rest, nil
		}
		if err := helloFailure(ctx, len(h.seen), readErr); err != nil {
			return Info{}, nil, &helloError{err, string(h.seen)}
		}
	}
}

// helloFailure says whether to give up waiting for the hello.
func helloFailure(ctx context.Context, seen int, readErr error) error {
	told, isTold := errors.AsType[*OpenError](readErr) // by a transport that knows more
	switch {
	case ctx.Err() != nil && isTold:
		return &OpenError{Stage: told.Stage, Stderr: told.Stderr, Err: fmt.Errorf("%w: %w", lateHello(ctx), told.Err)}
	case ctx.Err() != nil:
		return lateHello(ctx)
	case isTold:
		return told
	case seen > maxNoise:
		return fmt.Errorf("no hello from the agent in the first %d KiB", maxNoise>>10)
	case errors.Is(readErr, io.EOF):
		return errors.New("the far side ended without a hello: it is no agent")
	case readErr != nil:
		return fmt.Errorf("no hello from the agent: %w", readErr)
	}
	return nil
}

func lateHello(ctx context.Context) error {
	return fmt.Errorf("no hello from the agent in time: %w", context.Cause(ctx))
}

// cutHello finds the first whole line that is a hello.
func cutHello(b []byte) (noise, line, rest []byte, found bool) {
	for start := 0; ; {
		end := bytes.IndexByte(b[start:], '\n')
		if end < 0 {
			return nil, nil, nil, false
		}
		line := bytes.TrimSuffix(b[start:start+end], []byte{'\r'})
		if isHello(line) {
			return b[:start], line, b[start+end+1:], true
		}
		start += end + 1
	}
}

func isHello(line []byte) bool {
	after, ok := bytes.CutPrefix(line, []byte(helloPrefix))
	if !ok || len(after) == 0 || after[0] < '0' || after[0] > '9' {
		return false
	}
	return bytes.Contains(after, []byte(" ok ")) || bytes.Contains(after, []byte(" error "))
}

func parseHello(line []byte) (Info, error) {
	fields := strings.SplitN(string(line), " ", 4)
	if version := fields[1]; version != strconv.Itoa(protocolVersion) {
		return Info{}, fmt.Errorf("the agent speaks version %q of the protocol, this side speaks %d", version, protocolVersion)
	}
	if fields[2] == "error" {
		return Info{}, fmt.Errorf("the agent refuses: %s", helloReason(fields[3]))
	}
	var info Info
	if err := json.Unmarshal([]byte(fields[3]), &info); err != nil {
		return Info{}, fmt.Errorf("the agent's hello is malformed: %v", err)
	}
	return info, nil
}

func helloReason(text string) string {
	var reason struct{ Error string }
	if json.Unmarshal([]byte(text), &reason) != nil || reason.Error == "" {
		return text
	}
	return reason.Error
}
