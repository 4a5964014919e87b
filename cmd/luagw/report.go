package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways/become"
)

// report shows what comes from the targets, as text or as events. Its methods
// may be called concurrently.
type report struct {
	out, errOut io.Writer
	json        bool   // events instead of text
	tagged      bool   // lines begin with the id of the target
	broken      func() // called when out cannot be written

	mu          sync.Mutex // guards the following, and keeps lines whole
	err         error      // why out cannot be written
	failed      []string   // ids of the targets where the fragment failed
	unreachable []string   // and of those that were not reached
}

// event is a line of --json.
type event struct {
	Event     string `json:"event"`
	Gateway   string `json:"gateway"`
	Value     any    `json:"value"`
	Raised    any    `json:"raised,omitempty"`
	Traceback string `json:"traceback,omitempty"`
	Stage     string `json:"stage,omitempty"`
}

// item shows an item that a fragment sent.
func (r *report) item(id string, v any) {
	if r.json {
		r.event(event{Event: "item", Gateway: id, Value: jsonValue(v)})
		return
	}
	r.text(r.out, id, textOf(v))
}

// results shows what a fragment returned. Without results there is nothing to
// see, but an event all the same.
func (r *report) results(id string, values []any) {
	if r.json {
		r.event(event{Event: "result", Gateway: id, Value: jsonValue(append([]any{}, values...))})
		return
	}
	if len(values) == 0 {
		return
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = textOf(v)
	}
	r.text(r.out, id, strings.Join(texts, "\t"))
}

// print shows a line that a fragment printed.
func (r *report) print(id, line string) {
	if r.json {
		r.event(event{Event: "print", Gateway: id, Value: line})
		return
	}
	r.text(r.errOut, id, line)
}

// fragmentError shows why a fragment failed.
func (r *report) fragmentError(id string, err error) {
	e := event{Event: "error", Gateway: id, Value: err.Error()}
	text := id + ": " + err.Error()
	if remote, ok := errors.AsType[*luagw.RemoteError](err); ok {
		e.Value, e.Traceback = remote.Message, remote.Traceback
		if isTable(remote.Value) {
			e.Raised = jsonValue(remote.Value)
		}
		text = id + ": " + remote.Message + tableOf(remote) + "\n" + remote.Traceback
	}
	if lost, ok := errors.AsType[*luagw.GatewayLostError](err); ok {
		text = lost.Error() // which names the gateway
	}
	r.outcome(&r.failed, e, text)
}

// tableOf is what stands behind the message of an error if a table was raised,
// whose text is its address.
func tableOf(remote *luagw.RemoteError) string {
	v := remote.Value
	if raw, ok := v.(luagw.Raw); ok { // it was raised on this side
		v, _ = luagw.Unmarshal(raw)
	}
	if !isTable(v) {
		return ""
	}
	return ": " + textOf(v)
}

// openError shows why a target could not be reached.
func (r *report) openError(id string, err error) {
	e := event{Event: "open_error", Gateway: id, Value: err.Error()}
	if open, ok := errors.AsType[*luagw.OpenError](err); ok {
		e.Stage = string(open.Stage)
	}
	text := id + ": " + err.Error()
	if errors.Is(err, become.ErrNoPassword) {
		text += "\n" + becomeHint
	}
	r.outcome(&r.unreachable, e, text)
}

// outcome enters a target's id in a list and tells why.
func (r *report) outcome(list *[]string, e event, text string) {
	r.mu.Lock()
	*list = append(*list, e.Gateway)
	r.mu.Unlock()
	if r.json {
		r.event(e)
		return
	}
	r.write(r.errOut, "luagw: "+indentRest(text)+"\n")
}

// summary is what is left to tell at the end of a text with several targets; nil
// if nothing is.
func (r *report) summary() error {
	if r.json || !r.tagged {
		return nil
	}
	var parts []string
	if len(r.failed) > 0 {
		parts = append(parts, fmt.Sprintf("failed on %d: %s", len(r.failed), strings.Join(r.failed, ", ")))
	}
	if len(r.unreachable) > 0 {
		parts = append(parts, fmt.Sprintf("could not reach %d: %s", len(r.unreachable), strings.Join(r.unreachable, ", ")))
	}
	return errors.New(strings.Join(parts, "; "))
}

// text writes whole lines, each with the target's id if there are several
// targets.
func (r *report) text(w io.Writer, id, text string) {
	text = strings.TrimSuffix(text, "\n")
	if r.tagged {
		text = id + ": " + strings.ReplaceAll(text, "\n", "\n"+id+": ")
	}
	r.write(w, text+"\n")
}

func (r *report) event(e event) {
	r.write(r.out, encodeJSON(e)+"\n")
}

// write writes lines at once. Once results cannot be written, the work for them
// is in vain.
func (r *report) write(w io.Writer, lines string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := io.WriteString(w, lines)
	if err != nil && w == r.out && r.err == nil {
		r.err = err
		r.broken()
	}
}

// indentRest indents all lines but the first.
func indentRest(text string) string {
	text = strings.TrimRight(text, "\n")
	return strings.ReplaceAll(text, "\n", "\n    ")
}
