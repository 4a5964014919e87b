package luagw

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/luagw/luagw/mux"
)

// required lists the modules that a source names outright: each quoted name
// behind the word require. Others are asked for when a fragment gets there; one
// that only looks required, in a comment say, is sent in vain.
func required(source string) []string {
	var names []string
	for {
		_, after, found := strings.Cut(source, "require")
		if !found {
			return names
		}
		source = after
		text := strings.TrimLeft(after, " \t\r\n(")
		if text == "" || text[0] != '"' && text[0] != '\'' {
			continue
		}
		if name, _, ok := strings.Cut(text[1:], text[:1]); ok && !strings.ContainsAny(name, "\n \\") {
			names = append(names, name)
		}
	}
}

// ReadModule finds a module's source in fsys: that of a.b is a/b.lua or
// a/b/init.lua.
func ReadModule(fsys fs.FS, name string) (string, error) {
	base := strings.ReplaceAll(name, ".", "/")
	if !fs.ValidPath(base) {
		return "", fmt.Errorf("module %q: not a valid name", name)
	}
	if fsys == nil {
		return "", fmt.Errorf("module %q: the near side offers no modules", name)
	}
	for _, file := range []string{base + ".lua", path.Join(base, "init.lua")} {
		source, err := fs.ReadFile(fsys, file)
		if err == nil {
			return string(source), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("module %q: %w", name, err)
		}
	}
	return "", fmt.Errorf("module %q not found: no %s.lua on the near side", name, base)
}

// modulesFor lists the modules to send ahead with a chunk: those which it and
// they require by name, as far as the near side has them. A source that the far
// side has by now is left out.
func (gw *Gateway) modulesFor(chunk *Chunk) ([]any, error) {
	list := []any{}
	fsys := gw.group.Modules
	if fsys == nil {
		return list, nil
	}
	seen := map[string]bool{}
	sources := []string{chunk.Source}
	for len(sources) > 0 {
		source := sources[0]
		sources = sources[1:]
		for _, name := range required(source) {
			if seen[name] {
				continue
			}
			seen[name] = true
			module, err := ReadModule(fsys, name)
			if err != nil {
				continue // built in, or for the fragment to fail on
			}
			sources = append(sources, module)
			list = append(list, gw.conn.offer(name, module))
		}
	}
	return list, nil
}

// offer is a module as it is sent: name, hash, and the source unless it was
// sent before on this connection.
func (c *connection) offer(name, source string) []any {
	hash := hashOf(source)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, sent := c.sources[hash]; sent {
		return []any{name, hash, nil}
	}
	if c.sources == nil {
		c.sources = map[string]string{}
	}
	c.sources[hash] = ""
	return []any{name, hash, source}
}

func hashOf(source string) string {
	sum := sha256.Sum256([]byte(source))
	return string(sum[:16])
}

// serveModule answers the far side's wish for a module.
func (gw *Gateway) serveModule(stream *mux.Stream, payload []byte) {
	ch := newChannel(gw.conn, stream, rolePlain)
	defer stream.Close()
	list, err := readList(payload, nil, 1)
	if err != nil {
		gw.conn.fail(err)
		return
	}
	name, _ := list[0].(string)
	source, err := ReadModule(gw.group.Modules, name)
	ch.complete(gw.conn.ctx, []any{source}, err)
	drain(stream)
}

// Module returns the source of a module of the near side's, for the fragment
// whose channel c is. It is for a [Runner].
func (c *Channel) Module(ctx context.Context, chunk *Chunk, name string) (string, error) {
	if source, ok := chunk.modules[name]; ok {
		return source, nil
	}
	answer, err := c.conn.open(ctx, roleCaller, kindModule, name)
	if err != nil {
		return "", err
	}
	defer answer.Close()
	results, err := answer.Results(ctx)
	if remote, ok := errors.AsType[*RemoteError](err); ok {
		return "", errors.New(remote.Message)
	}
	if err != nil || len(results) == 0 {
		return "", err
	}
	source, _ := results[0].(string)
	return source, nil
}

// takeModules keeps the sources that came with a chunk and finds those that
// came before.
func (c *connection) takeModules(chunk *Chunk, list []any) error {
	if len(list) == 0 {
		return nil
	}
	chunk.modules = map[string]string{}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, entry := range list {
		module, ok := entry.([]any)
		if !ok || len(module) < 3 {
			return errMalformed
		}
		name, _ := module[0].(string)
		hash, _ := module[1].(string)
		source, sent := module[2].(string)
		if sent && hashOf(source) == hash {
			if c.sources == nil {
				c.sources = map[string]string{}
			}
			c.sources[hash] = source
		}
		known, ok := c.sources[hash]
		if !ok {
			return errMalformed
		}
		chunk.modules[name] = known
	}
	return nil
}
