package luagw

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"

	"github.com/luagw/luagw/internal/child"
)

// AuditVar is the environment variable by which an agent is told the number of
// a descriptor that it inherits. To it goes a line for each fragment, before
// the fragment runs: {"name":"f.lua","hash":"...","size":123}, where hash is
// the SHA-256 of its source, in hexadecimal.
const AuditVar = child.AuditVar

// maxAuditName bounds the name in a line: a line of less than 4 KiB is written
// whole, whoever else writes.
const maxAuditName = 512

// audit is where an agent tells of its fragments; nil if nobody wants to know.
type audit struct{ file *os.File }

// inheritedAudit finds the descriptor that AuditVar tells of. Of what the agent
// starts only copies of itself inherit it.
func inheritedAudit() (*audit, error) {
	text, ok := os.LookupEnv(AuditVar)
	if !ok {
		return nil, nil
	}
	os.Unsetenv(AuditVar)
	fd, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("$%s is %q and no descriptor", AuditVar, text)
	}
	closeOnExec(uintptr(fd))
	file := os.NewFile(uintptr(fd), "audit")
	child.SetAudit(file)
	return &audit{file}, nil
}

// tell tells of a fragment. One that cannot be told of must not run.
func (a *audit) tell(chunk *Chunk) error {
	if a == nil {
		return nil
	}
	hash := sha256.Sum256([]byte(chunk.Source))
	line := appendJSONString([]byte(`{"name":`), chunk.Name[:min(len(chunk.Name), maxAuditName)])
	line = appendJSONString(append(line, `,"hash":`...), hex.EncodeToString(hash[:]))
	line = strconv.AppendInt(append(line, `,"size":`...), int64(len(chunk.Source)), 10)
	if _, err := a.file.Write(append(line, "}\n"...)); err != nil {
		return fmt.Errorf("refused: the fragment cannot be recorded: %w", err)
	}
	return nil
}
