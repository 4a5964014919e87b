package lua

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	glua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// maxCached is how many bytes of source a runtime keeps compiled.
const maxCached = 8 << 20

// compiled is a chunk ready to run in any state.
type compiled struct {
	proto   *glua.FunctionProto
	globals []string // that it mentions
	all     bool     // it may find globals by names that it makes up
}

// mention notes the globals which a function, and those in it, may use: those
// whose names are among its constants.
func (c *compiled) mention(proto *glua.FunctionProto, known map[string]opener) {
	for _, constant := range proto.Constants {
		s, ok := constant.(glua.LString)
		if !ok || known[string(s)] == nil || slices.Contains(c.globals, string(s)) {
			continue
		}
		c.globals = append(c.globals, string(s))
		c.all = c.all || slices.Contains(byAnyName, string(s))
	}
	for _, inner := range proto.FunctionPrototypes {
		c.mention(inner, known)
	}
}

// compile parses and compiles a source. A first line that begins with # is
// skipped, as Lua's loadfile does.
func compile(name, source string) (*glua.FunctionProto, error) {
	if strings.HasPrefix(source, "#") {
		source = "--" + source
	}
	if err := checkNesting(name, source); err != nil {
		return nil, err
	}
	block, err := parse.Parse(strings.NewReader(source), name)
	if err != nil {
		return nil, syntaxError(name, err)
	}
	proto, err := glua.Compile(block, name)
	if err != nil {
		return nil, syntaxError(name, err)
	}
	proto.IsVarArg &^= glua.VarArgNeedsArg // a chunk has no table arg, but one would be made for each call
	return proto, nil
}

// syntaxError puts name and line first, as other Lua errors have them.
func syntaxError(name string, err error) error {
	if e, ok := errors.AsType[*parse.Error](err); ok {
		if e.Pos.Line == parse.EOF {
			return fmt.Errorf("%s: %s near '<eof>'", name, e.Message)
		}
		return fmt.Errorf("%s:%d: %s near %q", name, e.Pos.Line, e.Message, e.Token)
	}
	if e, ok := errors.AsType[*glua.CompileError](err); ok {
		return fmt.Errorf("%s:%d: %s", name, e.Line, e.Message)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// chunkCache keeps compiled chunks by name and source: compiling costs more
// than running most fragments. It may be used concurrently.
type chunkCache struct {
	known map[string]opener // what chunks may mention

	mu     sync.Mutex // guards the following
	chunks map[chunkKey]*compiled
	bytes  int
}

type chunkKey struct{ name, source string }

func (cache *chunkCache) compile(name, source string) (*compiled, error) {
	key := chunkKey{name, source}
	cache.mu.Lock()
	c := cache.chunks[key]
	cache.mu.Unlock()
	if c != nil {
		return c, nil
	}
	proto, err := compile(name, source)
	if err != nil {
		return nil, err
	}
	c = &compiled{proto: proto}
	c.mention(proto, cache.known)
	cache.keep(key, c)
	return c, nil
}

// keep adds a chunk. A cache that is full starts anew: what is in use comes
// back at once.
func (cache *chunkCache) keep(key chunkKey, c *compiled) {
	cache.mu.Lock()
	defer cache.mu.Unlock()
	if len(key.source) > maxCached/8 {
		return
	}
	if cache.chunks == nil || cache.bytes+len(key.source) > maxCached {
		cache.chunks, cache.bytes = map[chunkKey]*compiled{}, 0
	}
	cache.chunks[key] = c
	cache.bytes += len(key.source) + 256
}
