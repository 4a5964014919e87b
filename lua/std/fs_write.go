package std

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	glua "github.com/yuin/gopher-lua"
)

// maxLinks is how many symbolic links may lead to a file, as in Linux.
const maxLinks = 40

// writing says how to put content into a file.
type writing struct {
	mode   modeChange // nil to keep the file's, or have the default for a new one
	mkdir  bool
	atomic bool
	sync   bool
}

func (o options) writing() writing {
	return writing{
		mode:   o.mode(),
		mkdir:  o.bool("mkdir", false),
		atomic: o.bool("atomic", true),
		sync:   o.bool("sync", false),
	}
}

func fsWrite(L *glua.LState) int {
	path, data := L.CheckString(1), L.CheckString(2)
	w := checkOptions(L, 3, "mode", "mkdir", "atomic", "sync").writing()
	ctx := Of(L).Context()
	return pushDone(L, w.write(ctx, path, strings.NewReader(data)))
}

func fsAppend(L *glua.LState) int {
	path, data := L.CheckString(1), L.CheckString(2)
	w := checkOptions(L, 3, "mode", "mkdir", "sync").writing()
	ctx := Of(L).Context()
	err := w.makeParent(path)
	if err == nil {
		err = w.inPlace(ctx, path, os.O_APPEND, strings.NewReader(data))
	}
	return pushDone(L, err)
}

func fsCopy(L *glua.LState) int {
	src, dst := L.CheckString(1), L.CheckString(2)
	w := checkOptions(L, 3, "mode", "mkdir", "sync").writing()
	ctx := Of(L).Context()
	return pushDone(L, w.copy(ctx, src, dst))
}

// copy copies a file's content and, unless told otherwise, its mode.
func (w writing) copy(ctx context.Context, src, dst string) error {
	in, err := openRead(ctx, src)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return &fs.PathError{Op: "copy", Path: src, Err: errors.New("is a directory")}
	}
	if there, err := os.Stat(dst); err == nil && os.SameFile(info, there) {
		return fmt.Errorf("copy %q: %q is the same file", src, dst)
	}
	if w.mode == nil {
		w.mode = setMode(modeBits(info.Mode()))
	}
	return w.write(ctx, dst, in)
}

// write puts what r gives into the file at path. Unless it is done in place,
// readers see the old content or the new one, never a part.
func (w writing) write(ctx context.Context, path string, r io.Reader) error {
	target, err := followLinks(path)
	if err != nil {
		return err
	}
	if err := w.makeParent(target); err != nil {
		return err
	}
	old, err := os.Stat(target)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && old.IsDir() {
		return &fs.PathError{Op: "write", Path: path, Err: errors.New("is a directory")}
	}
	// A device or a pipe is written to; to put a file in its place would be
	// the end of it.
	if special := err == nil && !old.Mode().IsRegular(); special || !w.atomic {
		return w.inPlace(ctx, target, os.O_TRUNC, r)
	}
	return w.replace(ctx, target, old, r)
}

// followLinks returns the file that path stands for, whether it is there or
// not: a symbolic link is written through, not replaced.
func followLinks(path string) (string, error) {
	for range maxLinks {
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link, or not there; the open will tell
		}
		if !filepath.IsAbs(target) {
			target = filepath.Dir(path) + string(filepath.Separator) + target
		}
		path = target
	}
	return "", &fs.PathError{Op: "write", Path: path, Err: errors.New("too many levels of symbolic links")}
}

func (w writing) makeParent(path string) error {
	if !w.mkdir {
		return nil
	}
	return os.MkdirAll(filepath.Dir(path), 0o777)
}

// replace writes a new file beside target and puts it in its place. old is nil
// if there is none.
func (w writing) replace(ctx context.Context, target string, old fs.FileInfo, r io.Reader) (err error) {
	file, err := createBeside(target, w.initialMode(old))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	if _, err := io.Copy(file, &contextReader{ctx, r}); err != nil {
		return err
	}
	if err := w.dress(file, old); err != nil {
		return err
	}
	if w.sync {
		if err := file.Sync(); err != nil {
			return err
		}
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), target); err != nil {
		return err
	}
	if w.sync {
		return syncDir(filepath.Dir(target))
	}
	return nil
}

// initialMode is what the file is created with. If it is to have another mode
// than the default, nobody else may open it before it has.
func (w writing) initialMode(old fs.FileInfo) fs.FileMode {
	if w.mode != nil || old != nil {
		return 0o600
	}
	return 0o666
}

// dress gives the new file the owner of the old one, as far as we may, and the
// mode asked for or the old one's.
func (w writing) dress(file *os.File, old fs.FileInfo) error {
	var mode fs.FileMode
	if old != nil {
		mode = old.Mode()
		mode = fileMode(modeBits(mode) & w.keepOwner(file, old))
	}
	if w.mode != nil {
		mode = w.mode(mode)
	} else if old == nil {
		return nil
	}
	return file.Chmod(mode)
}

// keepOwner returns the bits of the old mode that may stay. A file that runs
// as its owner must not do so as another one.
func (w writing) keepOwner(file *os.File, old fs.FileInfo) (keep uint32) {
	uid, gid, ok := ownerOf(old)
	if !ok {
		return bitsAll
	}
	if info, err := file.Stat(); err == nil {
		if u, g, _ := ownerOf(info); u == uid && g == gid {
			return bitsAll
		}
	}
	if file.Chown(uid, gid) == nil {
		return bitsAll
	}
	_ = file.Chown(-1, gid)
	return bitsAll &^ (bitsSetuid | bitsSetgid)
}

// createBeside creates a new file in target's directory.
func createBeside(target string, mode fs.FileMode) (*os.File, error) {
	dir, base := filepath.Split(target)
	if len(base) > 200 {
		base = base[:200] // names end at 255 bytes
	}
	for range 100 {
		name := dir + "." + base + "." + strconv.FormatUint(rand.Uint64(), 36)
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return file, err
		}
	}
	return nil, &fs.PathError{Op: "write", Path: target, Err: errors.New("no free name for a temporary file")}
}

// inPlace writes to the file itself.
func (w writing) inPlace(ctx context.Context, path string, flag int, r io.Reader) error {
	perm := fs.FileMode(0o666)
	if w.mode != nil {
		perm = w.mode(0).Perm()
	}
	file, err := openWait(ctx, path, os.O_WRONLY|os.O_CREATE|flag, perm)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = file.SetWriteDeadline(time.Now()) })
	defer stop()
	_, err = io.Copy(file, &contextReader{ctx, r})
	if err == nil && w.mode != nil {
		err = file.Chmod(w.mode(0))
	}
	if err == nil && w.sync {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
