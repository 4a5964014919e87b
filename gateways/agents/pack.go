package agents

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
)

// Pack compresses the agents luagw-agent_OS_ARCH at paths into dir, which it
// makes, beside an index: what [Embedded] embeds of a release build.
func Pack(dir string, paths ...string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var index []byte
	for _, path := range paths {
		name := filepath.Base(path)
		if _, _, ok := platformOf(name); !ok || name == agentName {
			return fmt.Errorf("pack %q: its name is not %s_OS_ARCH", path, agentName)
		}
		executable, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		image, err := compress(executable, gzip.BestCompression)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name+".gz"), image.Gzip, 0o644); err != nil {
			return err
		}
		index = fmt.Appendf(index, "%s %d %s\n", image.Hash, image.Size, name)
	}
	return os.WriteFile(filepath.Join(dir, indexName), index, 0o644)
}
