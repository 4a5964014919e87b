package std

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	glua "github.com/yuin/gopher-lua"
)

func fsWalk(L *glua.LState) int {
	root := L.CheckString(1)
	o := checkOptions(L, 2, "depth", "skip")
	w := &walker{
		ctx:   Of(L).Context(),
		depth: o.int("depth", -1, 0),
		skip:  checkSkip(L, o),
		todo:  []walkStep{{path: filepath.Clean(root), root: true}},
	}
	L.Push(L.NewFunction(w.next))
	return 1
}

// checkSkip reads the names not to be looked at, as patterns.
func checkSkip(L *glua.LState, o options) []string {
	v := o.get("skip")
	if v == glua.LNil {
		return nil
	}
	list, ok := v.(*glua.LTable)
	if !ok {
		o.refuse("skip", "list of names", v)
	}
	var names []string
	list.ForEach(func(_, value glua.LValue) {
		name, ok := value.(glua.LString)
		if _, err := filepath.Match(string(name), ""); !ok || err != nil {
			L.ArgError(o.arg, "option \"skip\": each must be a name or a pattern for names")
		}
		names = append(names, string(name))
	})
	return names
}

// walker goes through a tree, a directory before what is in it.
type walker struct {
	ctx   context.Context
	depth int // how far below the root; no limit if negative
	skip  []string
	names accounts
	todo  []walkStep // what comes next is last
}

// walkStep is a path to be reported or, if it was, a directory to be read.
type walkStep struct {
	path  string
	level int
	root  bool
	enter bool
}

// next is the iterator: a path and its stat; or a path, nil and a message
// where that could not be had or a directory not be read.
func (w *walker) next(L *glua.LState) int {
	for len(w.todo) > 0 {
		if w.ctx.Err() != nil {
			L.RaiseError("%v", context.Cause(w.ctx))
		}
		step := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		if pushed := w.take(L, step); pushed > 0 {
			return pushed
		}
	}
	L.Push(glua.LNil)
	return 1
}

// take does one step. It returns how many values it pushed, 0 for none.
func (w *walker) take(L *glua.LState, step walkStep) int {
	if step.enter {
		return w.enter(L, step)
	}
	info, err := os.Lstat(step.path)
	if err != nil {
		if isAbsent(err) && !step.root {
			return 0 // gone since its directory was read
		}
		return pushWalkError(L, step.path, err)
	}
	if info.IsDir() && (w.depth < 0 || step.level < w.depth) {
		step.enter = true
		w.todo = append(w.todo, step)
	}
	L.Push(glua.LString(step.path))
	L.Push(w.names.statTable(L, step.path, info))
	return 2
}

// enter puts what is in a directory before what is to come.
func (w *walker) enter(L *glua.LState, step walkStep) int {
	entries, err := os.ReadDir(step.path)
	for _, entry := range slices.Backward(entries) {
		if w.skips(entry) {
			continue
		}
		path := filepath.Join(step.path, entry.Name())
		w.todo = append(w.todo, walkStep{path: path, level: step.level + 1})
	}
	if err != nil && !isAbsent(err) {
		return pushWalkError(L, step.path, err)
	}
	return 0
}

func (w *walker) skips(entry fs.DirEntry) bool {
	return slices.ContainsFunc(w.skip, func(wild string) bool { return matchPart(wild, entry.Name()) })
}

func pushWalkError(L *glua.LState, path string, err error) int {
	L.Push(glua.LString(path))
	L.Push(glua.LNil)
	L.Push(glua.LString(err.Error()))
	return 3
}
