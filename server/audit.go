package server

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// maxRefusals is how many refused logins are told of each second. A scanner
// must not fill the disk.
const maxRefusals = 10

// Record is one line of the audit file, as JSON.
type Record struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event"` // "open", "fragment", "close" or "refused"
	ID    string    `json:"id"`    // of the connection

	// Of open, close and refused.
	Transport   string `json:"transport,omitempty"`   // "tcp" or "unix"
	From        string `json:"from,omitempty"`        // address and port, or uid and pid
	Login       string `json:"login,omitempty"`       // as which the client wanted to log in
	User        string `json:"user,omitempty"`        // whom the agent runs as
	Key         string `json:"key,omitempty"`         // fingerprint
	Certificate string `json:"certificate,omitempty"` // key id and serial
	Line        string `json:"line,omitempty"`        // file:line that let it in
	Allow       string `json:"allow,omitempty"`       // what narrows its fragments

	// Of close.
	BytesIn  int64   `json:"bytes_in,omitempty"`  // from the client
	BytesOut int64   `json:"bytes_out,omitempty"` // to the client
	Seconds  float64 `json:"seconds,omitempty"`
	Exit     *int    `json:"exit,omitempty"` // the agent's exit status
	Signal   string  `json:"signal,omitempty"`
	Error    string  `json:"error,omitempty"` // of close and refused

	// Of fragment.
	Name string `json:"name,omitempty"`
	Hash string `json:"hash,omitempty"` // SHA-256 of the source, in hexadecimal
	Size int64  `json:"size,omitempty"` // of the source, in bytes

	// Of refused: how many were left out before this one, being too many.
	Omitted int `json:"omitted,omitempty"`
}

// Audit writes records to a file, one a line. Its methods may be called
// concurrently; a nil Audit writes nothing.
type Audit struct {
	// Path is the file. It is opened for each write, so that it can be moved
	// away at any time, and made with mode 0600.
	Path string

	mu      sync.Mutex // guards the following, and writing
	second  int64      // in which refused were counted
	refused int
	omitted int
}

// Check says whether the file can be written, and makes one where there is none.
func (a *Audit) Check() error { return a.write() }

// write writes records. What cannot be recorded must not happen: callers end
// the connection on an error.
func (a *Audit) write(records ...Record) error {
	if a == nil {
		return nil
	}
	var lines []byte
	for _, r := range records {
		r.Time = time.Now().UTC()
		line, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		lines = append(append(lines, line...), '\n')
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.append(lines)
}

func (a *Audit) append(lines []byte) error {
	f, err := os.OpenFile(a.Path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	defer f.Close()
	if _, err := f.Write(lines); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// refuse records a login that was refused, unless there are too many of them.
func (a *Audit) refuse(r Record) error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	now := time.Now().Unix()
	if now != a.second {
		a.second, a.refused = now, 0
	}
	if a.refused >= maxRefusals {
		a.omitted++
		a.mu.Unlock()
		return nil
	}
	a.refused++
	r.Event, r.Omitted = "refused", a.omitted
	a.omitted = 0
	a.mu.Unlock()
	return a.write(r)
}

const (
	// maxReport bounds a line in which an agent tells of a fragment.
	maxReport = 8 << 10

	// maxReports is how many of them are written at once.
	maxReports = 256
)

// follow records what an agent tells of its fragments until it ends. The
// agent's words are its own: a fragment that has got hold of its descriptor
// could add to them, but what was told before cannot be taken back.
func (a *Audit) follow(id string, reports io.Reader) error {
	lines := newReportReader(reports)
	for {
		records, err := lines.next(id)
		if len(records) > 0 {
			if err := a.write(records...); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("audit: what the agent tells of its fragments: %w", err)
		}
	}
}
