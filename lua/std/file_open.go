package std

import (
	"runtime"
	"sync"

	glua "github.com/yuin/gopher-lua"
)

// openFiles are the files that a fragment has open. They are closed when it
// ends, or before that when it has lost hold of them: many a loop over
// io.lines is left by break. Its methods may be called concurrently.
type openFiles struct {
	mu    sync.Mutex // guards files
	files map[*file]struct{}
}

// hold makes f a value of L. Collecting it writes what is in its buffer and
// closes it, unless that might block.
func (o *openFiles) hold(L *glua.LState, f *file) *glua.LUserData {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.files[f] = struct{}{}
	f.owner = o
	ud := fileValue(L, f)
	if f.seeker != nil {
		runtime.AddCleanup(ud, o.drop, f)
	}
	return ud
}

// take reports whether f was still here. Who took it closes it.
func (o *openFiles) take(f *file) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, held := o.files[f]
	delete(o.files, f)
	return held
}

// drop closes a file that nothing refers to. Nobody is left to be told that
// it failed.
func (o *openFiles) drop(f *file) {
	if o.take(f) {
		_ = f.shut()
	}
}

// closeAll closes all files, as drop does.
func (o *openFiles) closeAll() {
	o.mu.Lock()
	files := o.files
	o.files = map[*file]struct{}{}
	o.mu.Unlock()
	for f := range files {
		_ = f.shut()
	}
}
