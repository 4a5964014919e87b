//go:build luagw_agent

package luagw

import "fmt"

// Luagw-agent is built with the tag luagw_agent, and then has no encoding and
// decoding of Go's types by reflection: what its fragments send and receive is
// Lua's, which encodes and decodes itself, and the rest would be a thirtieth of
// the program.

// other refuses a v whose type the switch in value does not know.
func (e *encoder) other(b []byte, v any) ([]byte, error) {
	return b, &ValueError{Type: fmt.Sprintf("%T", v)}
}

// intoOther refuses a dst that does not decode itself.
func (d *decoder) intoOther(dst any) error { return noPlace(dst) }
